"""Prediction without a server, on a tiny SavedModel with the real signature."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from schema.errors import BadInputError, UsageError
from serving.predict import find_model, load_model
from serving.suggestion import Suggestion

LABELS = ("short", "mathé", "long")


class LengthModel(tf.Module):
    """Scores a text by its length in bytes: 0.01 x length for `long`, the rest for `short`."""

    def __init__(self, mark: float) -> None:
        super().__init__()
        self.mark = tf.Variable(mark)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        length = tf.cast(tf.strings.length(text), tf.float32) * 0.01
        scores = tf.stack([1.0 - length, tf.fill(tf.shape(length), self.mark), length], axis=1)
        order = tf.argsort(scores, axis=1, direction="DESCENDING")
        ranked = tf.gather(scores, order, batch_dims=1)
        return {
            "labels": tf.gather(tf.constant(LABELS), order),
            "scores": ranked,
            "suggested": ranked >= 0.5,
        }


def save(folder: Path, mark: float, signature: str = "serving_default") -> Path:
    model = LengthModel(mark)
    tf.saved_model.save(model, str(folder), signatures={signature: model.serve})
    return folder


def expect(text: str, mark: float) -> list[Suggestion]:
    """The same rule in numpy, in the model's precision."""
    length = np.float32(len(text.encode())) * np.float32(0.01)
    scored = zip(LABELS, (np.float32(1.0) - length, np.float32(mark), length), strict=True)
    return [
        Suggestion(label, float(score), bool(score >= 0.5))
        for label, score in sorted(scored, key=lambda pair: -pair[1])
    ]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output directory of a run with versions 9 and 10, and names that are not versions."""
    folder = tmp_path_factory.mktemp("out")
    base = folder / "serving" / "arxiv_tagger"
    save(base / "9", mark=0.09)
    save(base / "10", mark=0.10)
    shutil.copytree(base / "9", base / ".pushing-11-abc")
    (base / "12").mkdir()
    return folder


@pytest.mark.parametrize(
    ("below", "version", "mark"),
    [
        ("serving/arxiv_tagger/9", "9", 0.09),
        ("serving/arxiv_tagger", "10", 0.10),
        ("", "10", 0.10),
    ],
    ids=["version", "base", "run"],
)
def test_each_kind_of_path_finds_its_model(
    run_dir: Path, below: str, version: str, mark: float
) -> None:
    model = load_model(str(run_dir / below))
    assert model.path.name == version
    assert model.suggest(["hello"]) == [expect("hello", mark)]


def test_labels_have_the_names_that_were_pushed_with_the_model(tmp_path: Path) -> None:
    extra = save(tmp_path / "1", mark=0.1) / "assets.extra"
    extra.mkdir()
    (extra / "words.json").write_text(json.dumps({"label_names": {LABELS[0]: "Briefly"}}))
    ((*suggestions,),) = load_model(str(tmp_path / "1")).suggest(["hello"])
    called = {each.label: each.name for each in suggestions}
    assert called == {**dict.fromkeys(LABELS, ""), LABELS[0]: "Briefly"}


@pytest.mark.parametrize("batch_size", [1, 2, 3, 64])
def test_batches_give_every_text_its_own_answer_in_order(run_dir: Path, batch_size: int) -> None:
    texts = ["", "x" * 30, "naïve $\\ell_1$\nline", "机器学习", "y" * 80, "z" * 70, "!!!"]
    found = load_model(str(run_dir)).suggest(texts, batch_size)
    assert found == [expect(text, 0.10) for text in texts]


def test_no_texts_give_no_answers(run_dir: Path) -> None:
    assert load_model(str(run_dir)).suggest([]) == []


def test_invalid_unicode_is_named(run_dir: Path) -> None:
    with pytest.raises(BadInputError, match="Text 2"):
        load_model(str(run_dir)).suggest(["fine", "\udcff"])


def test_directory_without_a_model_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "serving" / "arxiv_tagger" / ".pushing-1-a").mkdir(parents=True)
    (tmp_path / "3").mkdir()
    with pytest.raises(UsageError, match="no pushed version in") as raised:
        find_model(str(tmp_path))
    assert "serving/arxiv_tagger" in str(raised.value)


def test_url_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="local directory"):
        find_model("gs://bucket/model")


@pytest.mark.parametrize("damage", ["graph", "weights"])
def test_damaged_model_is_a_bad_input_error(run_dir: Path, tmp_path: Path, damage: str) -> None:
    copy = shutil.copytree(run_dir / "serving" / "arxiv_tagger" / "9", tmp_path / "1")
    if damage == "graph":
        (copy / "saved_model.pb").write_bytes(b"not a graph")
    else:
        shutil.rmtree(copy / "variables")
    with pytest.raises(BadInputError, match="cannot be loaded"):
        load_model(str(copy))


def test_model_of_someone_else_is_a_bad_input_error(tmp_path: Path) -> None:
    save(tmp_path / "1", mark=0.1, signature="other")
    with pytest.raises(BadInputError, match=r"no signature 'serving_default', only \['other'\]"):
        load_model(str(tmp_path))
