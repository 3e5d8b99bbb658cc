"""The kept title hashes: what is written is read, and Transform computes the same."""

import numpy as np
import pytest
import tensorflow as tf

from components.papers.train_titles import read_train_titles, title_keys, write_train_titles

TITLES = ["Kernel", "kernel", "Kernel ", "", "Größe", "two\nlines", "机器学习", "x" * 10_000]


def test_keys_are_those_of_transform(parts):
    """The layer that trained, and the eager function that reads raw examples."""
    titles = [title.encode() for title in parts.titles]
    layer = parts.analysis.output.transform_features_layer()
    found = layer({"titles": tf.constant(titles)})["paper_key"].numpy()
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, title_keys(titles))
    assert len(set(titles)) == len(np.unique(found)) == 3


def test_titles_as_they_stand_make_the_key():
    keys = title_keys([title.encode() for title in TITLES])
    assert len(np.unique(keys)) == len(TITLES)
    assert keys.dtype == np.int64
    assert (keys >= 0).all()


def test_keys_never_change():
    """Those of a baseline of last year must be found again."""
    # FarmHash's constant k2 is the fingerprint of nothing.
    assert title_keys([b""]).tolist() == [0x9AE16A3B2F90404F % (2**63 - 1)]
    assert title_keys([b"hello", b"Kernel"]).tolist() == [3786372426573024489, 6247537155044176384]


def test_arrays_of_titles_are_read_as_lists_are():
    titles = [title.encode() for title in TITLES]
    as_objects = np.array(titles, dtype=object)
    np.testing.assert_array_equal(title_keys(as_objects), title_keys(titles))


def test_no_title_has_no_key(tmp_path):
    for nothing in ([], np.array([], dtype=object)):
        keys = title_keys(nothing)
        assert (keys.dtype, keys.shape) == (np.int64, (0,))
    write_train_titles(str(tmp_path), keys)
    found = read_train_titles(str(tmp_path))
    assert (found.dtype, found.shape) == (np.int64, (0,))


def test_keys_come_back_sorted_and_once(tmp_path):
    keys = np.array([2**63 - 2, 5, 0, 5, 7], np.int64)
    folder = tmp_path / "model" / "7"
    write_train_titles(str(folder), keys)
    assert [path.name for path in folder.iterdir()] == ["train_titles.npy"]
    found = read_train_titles(str(folder))
    assert found.dtype == np.int64
    assert found.tolist() == [0, 5, 7, 2**63 - 2]
    # A plain file of numpy's.
    np.testing.assert_array_equal(np.load(folder / "train_titles.npy"), found)


def test_an_older_model_has_none(tmp_path):
    assert read_train_titles(str(tmp_path)) is None
    assert read_train_titles(str(tmp_path / "nowhere")) is None


def test_a_broken_file_is_an_error(tmp_path):
    (tmp_path / "train_titles.npy").write_bytes(b"junk")
    with pytest.raises(ValueError, match="pickle"):
        read_train_titles(str(tmp_path))
