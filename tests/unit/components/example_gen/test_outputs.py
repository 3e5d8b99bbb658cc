"""Files appear whole or not at all."""

import pytest
import tensorflow as tf

from components.example_gen import outputs
from components.example_gen.outputs import DeadLetterFile, Destination, ExampleFiles
from components.example_gen.rows import DeadLetter


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def destination(folder):
    return Destination(str(folder), str(folder))


def test_large_splits_are_spread_over_files_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "_RECORDS_PER_FILE", 4)
    with ExampleFiles(destination(tmp_path), 2) as out:
        for number in range(10):
            out.write("train", b"%d" % number)
    names = [f"Split-train/data_tfrecord-00002-0000{part}.gz" for part in range(3)]
    assert files(tmp_path) == names
    paths = [str(tmp_path / name) for name in names]
    records = tf.data.TFRecordDataset(paths, compression_type="GZIP")
    assert [record.numpy() for record in records] == [b"%d" % number for number in range(10)]


def break_off(context, *written):
    """Writes and then fails inside the context."""
    with context as out:
        out.write(*written)
        raise InterruptedError


def test_an_error_leaves_nothing(tmp_path):
    letters = DeadLetterFile(destination(tmp_path), 0)
    with pytest.raises(InterruptedError):
        break_off(ExampleFiles(destination(tmp_path), 0), "train", b"x")
    with pytest.raises(InterruptedError):
        break_off(letters, DeadLetter("f", 1, "r", ()))
    assert files(tmp_path) == []


def test_a_second_attempt_replaces_the_first(tmp_path):
    for _ in range(2):
        with ExampleFiles(destination(tmp_path), 0) as out:
            out.write("train", b"x")
    assert files(tmp_path) == ["Split-train/data_tfrecord-00000-00000.gz"]


def test_no_malformed_row_no_file(tmp_path):
    with DeadLetterFile(destination(tmp_path), 0):
        pass
    assert files(tmp_path) == []
