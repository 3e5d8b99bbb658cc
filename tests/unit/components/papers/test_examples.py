"""Papers come back from their examples as they went in."""

import pytest
import tensorflow as tf

from components.papers.examples import (
    parse_example,
    raw_examples,
    read_papers,
    serialize_paper,
)
from components.papers.raw_paper import RawPaper

PAPERS = [
    RawPaper("A title", "An abstract.", ("cs.LG",)),
    RawPaper("", "机 é 🎓\nnext line", ("b", "a")),
    RawPaper("No label left", "An abstract.", (), ("é", "b")),
    RawPaper("Größe", "x" * 5_000, ("68T45; é",)),
]


def write(path, records):
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for record in records:
            writer.write(record)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_comes_back_as_it_was(paper):
    assert parse_example(serialize_paper(paper)) == paper


def test_odd_bytes_are_escaped_and_missing_features_are_empty():
    example = tf.train.Example()
    assert parse_example(example.SerializeToString()) == RawPaper("", "", ())
    example.features.feature["summaries"].bytes_list.value.append("é机".encode() + b"\xff")
    example.features.feature["terms"].bytes_list.value.extend([b"\xfe", b"a"])
    found = parse_example(example.SerializeToString())
    assert found == RawPaper("", "é机\\xff", ("\\xfe", "a"))
    assert found.text == "é机\\xff"


def test_papers_are_read_in_the_order_of_files_and_records(tmp_path):
    order = {"data-00001.gz": [2], "data-00002.gz": [0, 1], "data-00000.gz": [1, 0]}
    for name, numbers in order.items():
        write(tmp_path / name, [serialize_paper(PAPERS[number]) for number in numbers])
    (tmp_path / "notes.txt").write_text("not a record")
    assert list(read_papers(str(tmp_path))) == [PAPERS[number] for number in (1, 0, 2, 0, 1)]


def test_a_folder_without_files_has_no_papers(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        assert list(read_papers(str(folder))) == []
        assert list(raw_examples(str(folder)).batch(4)) == []


def test_the_autotuner_is_off(tmp_path):
    """Deleting an iterator can otherwise wait a minute for its thread."""
    assert raw_examples(str(tmp_path)).options().autotune.enabled is False
