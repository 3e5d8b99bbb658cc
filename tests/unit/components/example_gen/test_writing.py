import pytest
import tensorflow as tf

from components.example_gen import writing
from components.example_gen.writing import DeadLetterFile, ExampleFiles
from components.papers.csv_rows import DeadLetter


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def writer(folder, index=0):
    return ExampleFiles(str(folder), {"train": str(folder / "Split-train")}, index)


def test_large_splits_are_spread_over_files_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_RECORDS_PER_FILE", 4)
    with writer(tmp_path, index=2) as out:
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
    letters = DeadLetterFile(str(tmp_path), str(tmp_path / "dead_letters"))
    with pytest.raises(InterruptedError):
        break_off(writer(tmp_path), "train", b"x")
    with pytest.raises(InterruptedError):
        break_off(letters, DeadLetter("f", 1, "r", ()))
    assert files(tmp_path) == []


def test_a_second_attempt_replaces_the_first(tmp_path):
    for _ in range(2):
        with writer(tmp_path) as out:
            out.write("train", b"x")
    assert files(tmp_path) == ["Split-train/data_tfrecord-00000-00000.gz"]


def test_no_malformed_row_no_file(tmp_path):
    with DeadLetterFile(str(tmp_path), str(tmp_path / "dead_letters")):
        pass
    assert files(tmp_path) == []
