"""Papers come back from their examples as they went in."""

import pytest
import tensorflow as tf

from components.example_gen.examples import RawPaper, parse_example, raw_examples, to_example
from components.example_gen.papers import Paper
from schema.text import join_title_and_abstract

PAPERS = [
    Paper(2, "A title", "An abstract.", "['cs.LG']", ("cs.LG",), None),
    Paper(3, "", "机 é 🎓\nnext line", "['b', 'a']", ("b", "a"), "test"),
    Paper(4, "Größe", "x" * 5_000, "['68T45; é']", ("68T45; é",), None),
]


def write(path, records):
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for record in records:
            writer.write(record)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_comes_back_as_it_was(paper):
    found = parse_example(to_example(paper).SerializeToString())
    assert found == RawPaper(paper.title, paper.text, paper.labels)
    assert found.text == join_title_and_abstract(paper.title, paper.text)


def test_odd_bytes_are_escaped_and_missing_features_are_empty():
    example = tf.train.Example()
    assert parse_example(example.SerializeToString()) == RawPaper("", "", ())
    example.features.feature["summaries"].bytes_list.value.append("é机".encode() + b"\xff")
    example.features.feature["terms"].bytes_list.value.extend([b"\xfe", b"a"])
    found = parse_example(example.SerializeToString())
    assert found == RawPaper("", "é机\\xff", ("\\xfe", "a"))
    assert found.text == "é机\\xff"


def test_files_are_read_in_the_order_of_their_names(tmp_path):
    write(tmp_path / "data-00001.gz", [b"c"])
    write(tmp_path / "data-00002.gz", [b"d", b"e"])
    write(tmp_path / "data-00000.gz", [b"b", b"a"])
    (tmp_path / "notes.txt").write_text("no records")
    assert list(raw_examples(str(tmp_path)).as_numpy_iterator()) == [b"b", b"a", b"c", b"d", b"e"]


def test_a_folder_without_files_has_no_examples(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        assert list(raw_examples(str(folder)).as_numpy_iterator()) == []
        assert list(raw_examples(str(folder)).batch(4)) == []


def test_no_thread_of_the_autotuner_is_waited_for(tmp_path):
    """When an iterator is deleted, it may sleep on for a minute."""
    assert raw_examples(str(tmp_path)).options().autotune.enabled is False
