"""Evaluations by the Evaluator of tiny models that read their answers out of the examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.utils import json_utils, proto_utils

from components.evaluator.eval_config import make_eval_config
from components.evaluator.executor import Executor
from components.evaluator.settings import GateSettings
from pipeline.config import BeamSettings
from schema import names
from tests.unit.evaluator.splits import Split

SCHEMA_FILE = Path(__file__).resolve().parents[3] / "schema" / "schema.pbtxt"


@dataclass(frozen=True)
class Answers:
    """What a model says of each paper.

    Attributes:
        feature: Where the examples hold it.
        vocabulary: The model's labels.
        probabilities: float32 [n, L].
        threshold: Lowest probability that it suggests.
    """

    feature: str
    vocabulary: Sequence[str]
    probabilities: np.ndarray
    threshold: float

    def split(self, terms: Sequence[Sequence[str]]) -> Split:
        """The split as it looks with this model's vocabulary."""
        return Split(
            truth=np.array([[float(name in row) for name in self.vocabulary] for row in terms]),
            probabilities=self.probabilities,
            suggested=(self.probabilities >= np.float32(self.threshold)).astype(np.float32),
            unknown=np.array([len(set(row) - set(self.vocabulary)) for row in terms]),
        )


class TinyModel(tf.Module):
    """The two signatures that the Evaluator calls, with the real one's inputs and outputs."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._feature = answers.feature
        self._vocabulary = tf.constant(list(answers.vocabulary))
        self._threshold = answers.threshold

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=names.INPUT_EXAMPLES)])
    def evaluate(self, inputs):
        width = len(self._vocabulary)
        spec = {self._feature: tf.io.FixedLenFeature([width], tf.float32)}
        probabilities = tf.io.parse_example(inputs, spec)[self._feature]
        return {
            names.OUTPUT_PROBABILITIES: probabilities,
            names.OUTPUT_SUGGESTED: tf.cast(probabilities >= self._threshold, tf.float32),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=names.INPUT_EXAMPLES)])
    def transform_features(self, inputs):
        spec = {names.TERMS: tf.io.VarLenFeature(tf.string)}
        terms = tf.sparse.to_dense(tf.io.parse_example(inputs, spec)[names.TERMS])
        same = terms[:, :, None] == self._vocabulary[None, None, :]
        unknown = (terms != "") & ~tf.reduce_any(same, axis=2)
        return {
            names.LABELS: tf.cast(tf.reduce_any(same, axis=1), tf.float32),
            names.UNKNOWN_LABELS: tf.reduce_sum(tf.cast(unknown, tf.int64), axis=1),
        }


class Evaluation:
    """A run of the Evaluator's executor; its outcome lies in `uri`, `blessing` and `blessed`."""

    def __init__(
        self,
        folder: Path,
        terms: Sequence[Sequence[str]],
        gate: GateSettings,
        candidate: Answers,
        baseline: Answers | None = None,
    ) -> None:
        models = [answers for answers in (candidate, baseline) if answers is not None]
        evaluation = _artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
        blessing = _artifact(standard_artifacts.ModelBlessing, folder / "blessing")
        schema = _artifact(standard_artifacts.Schema, folder / "schema")
        (folder / "schema" / "schema.pbtxt").write_bytes(SCHEMA_FILE.read_bytes())
        artifacts = {
            "examples": [_write_examples(folder / "examples", terms, models)],
            "model": [_save(folder / "candidate", candidate)],
            "baseline_model": [_save(folder / "baseline", baseline)] if baseline else [],
            "schema": [schema],
        }
        executor = Executor(Executor.Context(beam_pipeline_args=BeamSettings().pipeline_args()))
        executor.Do(
            artifacts,
            {"evaluation": [evaluation], "blessing": [blessing]},
            {
                "eval_config": proto_utils.proto_to_json(make_eval_config(gate)),
                "example_splits": json_utils.dumps([names.TEST]),
                "fairness_indicator_thresholds": json_utils.dumps(None),
                "current_component_id": "Evaluator",
            },
        )
        self.uri = evaluation.uri
        (self.model,) = artifacts["model"]
        self.baseline = next(iter(artifacts["baseline_model"]), None)
        self.blessing = blessing
        self.blessed = bool(blessing.get_int_custom_property("blessed"))


def _artifact(kind, uri: Path):
    uri.mkdir(parents=True)
    artifact = kind()
    artifact.uri = str(uri)
    return artifact


def _save(folder: Path, answers: Answers):
    artifact = _artifact(standard_artifacts.Model, folder)
    model = TinyModel(answers)
    signatures = {
        names.SIGNATURE_EVALUATE: model.evaluate,
        names.SIGNATURE_TRANSFORM: model.transform_features,
    }
    tf.saved_model.save(model, str(folder / "Format-Serving"), signatures=signatures)
    return artifact


def _write_examples(folder: Path, terms: Sequence[Sequence[str]], models: Sequence[Answers]):
    """Writes the test split; the others hold what no model can read."""
    artifact = _artifact(standard_artifacts.Examples, folder)
    artifact.split_names = json.dumps(list(names.SPLITS))
    artifact.set_string_custom_property("file_format", "tfrecords_gzip")
    artifact.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    for split in names.SPLITS:
        (folder / f"Split-{split}").mkdir()
        path = folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            if split != names.TEST:
                writer.write(b"not an example")
                continue
            for row, labels in enumerate(terms):
                writer.write(_encode(row, labels, models))
    return artifact


def _encode(row: int, labels: Sequence[str], models: Sequence[Answers]) -> bytes:
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v.encode() for v in values]))
        for name, values in (
            (names.TITLES, [f"Title {row}"]),
            (names.SUMMARIES, [f"Abstract {row}"]),
            (names.TERMS, labels),
        )
    }
    for model in models:
        values = tf.train.FloatList(value=model.probabilities[row].tolist())
        feature[model.feature] = tf.train.Feature(float_list=values)
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
