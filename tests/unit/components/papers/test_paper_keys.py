"""The kept keys: what is written is read, and Transform computes the same."""

import numpy as np
import pytest

from components.papers.paper_keys import paper_keys, read_train_keys, write_train_keys
from components.papers.raw_paper import RawPaper

TITLES = ["Kernel", "kernel", "Kernel ", "Größe", "two\nlines", "机器学习", "x" * 10_000]


def keys_of(titles):
    """The keys of papers with these titles."""
    encoded = [title.encode() for title in titles]
    return paper_keys(encoded, [b"An abstract."] * len(titles))


def test_keys_are_those_of_transform(analyse):
    """The layer that trained, and the eager function that reads raw examples."""
    analysis = analyse(10_000, "title_and_abstract")
    titles, abstracts = (
        [text.encode() for text in texts] for texts in (analysis.titles, analysis.abstracts)
    )
    assert b"" in titles
    found = analysis.features["paper_key"].numpy()
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, paper_keys(titles, abstracts))
    papers = zip(analysis.titles, analysis.abstracts, strict=True)
    keys = [RawPaper(*paper, ()).key().encode() for paper in papers]
    np.testing.assert_array_equal(found, paper_keys(keys, keys))


def test_title_and_text_together_make_the_key():
    papers = [("A title", "Text."), ("A title", "Another."), ("", "Text.")]
    titles, abstracts = ([text.encode() for text in texts] for texts in zip(*papers, strict=True))
    keys = paper_keys(titles, abstracts, by_title=False)
    assert len(np.unique(keys)) == 3
    texts = [RawPaper(*paper, ()).key(by_title=False).encode() for paper in papers]
    np.testing.assert_array_equal(keys, paper_keys(texts, texts))


def test_titles_as_they_stand_make_the_key():
    keys = keys_of(TITLES)
    assert len(np.unique(keys)) == len(TITLES)
    assert keys.dtype == np.int64
    assert (keys >= 0).all()


def test_keys_never_change():
    """Those of last year's baseline must be found again."""
    # FarmHash's constant k2 is the fingerprint of nothing.
    assert paper_keys([b""], [b""]).tolist() == [0x9AE16A3B2F90404F % (2**63 - 1)]
    assert keys_of(["hello", "Kernel"]).tolist() == [3786372426573024489, 6247537155044176384]


def test_no_papers_have_no_keys(tmp_path):
    for nothing in ([], np.array([], dtype=object)):
        keys = paper_keys(nothing, nothing)
        assert (keys.dtype, keys.shape) == (np.int64, (0,))
    write_train_keys(str(tmp_path), keys)
    found = read_train_keys(str(tmp_path))
    assert (found.dtype, found.shape) == (np.int64, (0,))


def test_keys_come_back_sorted_and_once(tmp_path):
    keys = np.array([2**63 - 2, 5, 0, 5, 7], np.int64)
    folder = tmp_path / "model" / "7"
    write_train_keys(str(folder), keys)
    assert [path.name for path in folder.iterdir()] == ["train_keys.npy"]
    found = read_train_keys(str(folder))
    assert found.dtype == np.int64
    assert found.tolist() == [0, 5, 7, 2**63 - 2]
    # A plain numpy file, which earlier versions called by another name.
    (folder / "train_keys.npy").rename(folder / "train_titles.npy")
    np.testing.assert_array_equal(read_train_keys(str(folder)), found)


def test_an_older_model_has_none(tmp_path):
    assert read_train_keys(str(tmp_path)) is None
    assert read_train_keys(str(tmp_path / "nowhere")) is None


def test_a_broken_file_is_an_error(tmp_path):
    (tmp_path / "train_keys.npy").write_bytes(b"junk")
    with pytest.raises(ValueError, match="pickle"):
        read_train_keys(str(tmp_path))
