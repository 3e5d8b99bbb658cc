"""Runs the Evaluator on tiny models whose predictions are stored in the examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.types import standard_artifacts
from tfx.utils import json_utils, proto_utils

from components.artifacts import BaselinesArtifact
from components.evaluator.component import EXTRACTORS_MODULE, Executor
from components.evaluator.eval_config import make_eval_config
from components.evaluator.settings import GateSettings
from components.papers.paper_keys import paper_keys, write_train_keys
from pipeline.beam_settings import BeamSettings
from schema import names
from tests.support.artifacts import make_artifact
from tests.support.evaluator_splits import Split
from tests.support.saved_models import feature_example

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schema" / "schema.pbtxt"


@dataclass(frozen=True)
class Answers:
    """A model's predictions for each paper.

    Attributes:
        feature: Where the examples hold it.
        vocabulary: The model's labels.
        probabilities: float32 [n, L].
        threshold: Minimum probability to suggest.
        abstract_only: Its predictions from the abstracts alone, float32 [n, L]; None for a model
            of an older version, without such an output.
        trained_on: Numbers of the test papers it was trained on; None for a model of old, which
            did not keep them.
    """

    feature: str
    vocabulary: Sequence[str]
    probabilities: np.ndarray
    threshold: float
    abstract_only: np.ndarray | None = None
    trained_on: Sequence[int] | None = None

    def split(self, terms: Sequence[Sequence[str]], rows: Sequence[int] | None = None) -> Split:
        """The split, or some rows of it, in this model's vocabulary."""
        return self._split(terms, self.probabilities, rows)

    def abstract_only_split(self, terms: Sequence[Sequence[str]]) -> Split:
        """The same with its predictions from the abstracts alone."""
        assert self.abstract_only is not None
        return self._split(terms, self.abstract_only, None)

    def _split(self, terms, probabilities, rows):
        rows = range(len(terms)) if rows is None else rows
        some = [terms[row] for row in rows]
        taken = probabilities[list(rows)]
        return Split(
            truth=np.array([[float(name in row) for name in self.vocabulary] for row in some]),
            probabilities=taken,
            suggested=(taken >= np.float32(self.threshold)).astype(np.float32),
            unknown=np.array([len(set(row) - set(self.vocabulary)) for row in some]),
        )


class TinyModel(tf.Module):
    """The two signatures that the Evaluator calls, with the real inputs and outputs."""

    def __init__(self, answers: Answers, vocabulary_file: Path) -> None:
        super().__init__()
        self._feature = answers.feature
        self._has_abstract_only = answers.abstract_only is not None
        self._vocabulary_file = tf.saved_model.Asset(str(vocabulary_file))
        self._vocabulary = tf.constant(list(answers.vocabulary))
        self._threshold = answers.threshold

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=names.INPUT_EXAMPLES)])
    def evaluate(self, inputs):
        answer = self._read(inputs, self._feature)
        outputs = {
            names.OUTPUT_PROBABILITIES: answer,
            names.OUTPUT_SUGGESTED: tf.cast(answer >= self._threshold, tf.float32),
        }
        if self._has_abstract_only:
            answer = self._read(inputs, _abstract_only(self._feature))
            outputs[names.OUTPUT_ABSTRACT_ONLY + names.OUTPUT_PROBABILITIES] = answer
            outputs[names.OUTPUT_ABSTRACT_ONLY + names.OUTPUT_SUGGESTED] = tf.cast(
                answer >= self._threshold, tf.float32
            )
        return outputs

    def _read(self, inputs, feature):
        spec = {feature: tf.io.FixedLenFeature([len(self._vocabulary)], tf.float32)}
        return tf.io.parse_example(inputs, spec)[feature]

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
    """A run of the Evaluator's executor; its results are in `uri`, `blessing` and `blessed`."""

    def __init__(
        self,
        folder: Path,
        terms: Sequence[Sequence[str]],
        gate: GateSettings,
        candidate: Answers,
        baseline: Answers | None = None,
        abstracts: Sequence[str] | None = None,
        titled: bool = True,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        models = [answers for answers in (candidate, baseline) if answers is not None]
        evaluation = make_artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
        blessing = make_artifact(standard_artifacts.ModelBlessing, folder / "blessing")
        schema = make_artifact(standard_artifacts.Schema, folder / "schema")
        (folder / "schema" / "schema.pbtxt").write_bytes(SCHEMA_FILE.read_bytes())
        artifacts = {
            "examples": [_write_examples(folder / "examples", terms, models, abstracts, titled)],
            "model": [_save(folder / "candidate", candidate, titled)],
            "baseline_model": [_save(folder / "baseline", baseline, titled)] if baseline else [],
            "schema": [schema],
        }
        if baselines is not None:
            found = make_artifact(BaselinesArtifact, folder / "baselines")
            about = {name: {"figures": figures} for name, figures in baselines.items()}
            (folder / "baselines" / names.BASELINES_FILE).write_text(json.dumps(about))
            artifacts["baselines"] = [found]
        executor = Executor(Executor.Context(beam_pipeline_args=BeamSettings().pipeline_args()))
        executor.Do(
            artifacts,
            {"evaluation": [evaluation], "blessing": [blessing]},
            {
                "eval_config": proto_utils.proto_to_json(make_eval_config(gate)),
                "example_splits": json_utils.dumps([names.TEST]),
                "fairness_indicator_thresholds": json_utils.dumps(None),
                "current_component_id": "Evaluator",
                "module_path": EXTRACTORS_MODULE,
            },
        )
        self.uri = evaluation.uri
        (self.model,) = artifacts["model"]
        self.baseline = next(iter(artifacts["baseline_model"]), None)
        self.blessing = blessing
        self.blessed = bool(blessing.get_int_custom_property("blessed"))


def _save(folder: Path, answers: Answers, titled: bool):
    artifact = make_artifact(standard_artifacts.Model, folder)
    vocabulary = folder / names.LABEL_VOCABULARY
    vocabulary.write_text("".join(f"{label}\n" for label in answers.vocabulary))
    model = TinyModel(answers, vocabulary)
    signatures = {
        names.SIGNATURE_EVALUATE: model.evaluate,
        names.SIGNATURE_TRANSFORM: model.transform_features,
    }
    saved_model = folder / "Format-Serving"
    tf.saved_model.save(model, str(saved_model), signatures=signatures)
    (saved_model / names.EXTRA_ASSETS_DIR).mkdir()
    info = json.dumps({"threshold": answers.threshold})
    (saved_model / names.EXTRA_ASSETS_DIR / names.MODEL_INFO_FILE).write_text(info)
    if answers.trained_on is not None:
        titles = [_title(row, titled).encode() for row in answers.trained_on]
        abstracts = [_abstract(row).encode() for row in answers.trained_on]
        write_train_keys(str(folder), paper_keys(titles, abstracts))
    return artifact


def _title(row: int, titled: bool) -> str:
    return f"Title {row}" if titled else ""


def _abstract(row: int) -> str:
    return f"Abstract {row}"


def _abstract_only(feature: str) -> str:
    return f"{feature}, abstract only"


def _write_examples(folder: Path, terms, models: Sequence[Answers], abstracts, titled: bool):
    """Writes the test split; the other splits are unreadable."""
    artifact = make_artifact(standard_artifacts.Examples, folder)
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
                texts = (_title(row, titled), abstracts[row] if abstracts else _abstract(row))
                writer.write(_encode(row, texts, labels, models))
    return artifact


def _encode(
    row: int, texts: tuple[str, str], labels: Sequence[str], models: Sequence[Answers]
) -> bytes:
    features = {names.TITLES: texts[:1], names.SUMMARIES: texts[1:], names.TERMS: labels}
    for model in models:
        features[model.feature] = model.probabilities[row].tolist()
        if model.abstract_only is not None:
            features[_abstract_only(model.feature)] = model.abstract_only[row].tolist()
    return feature_example(**features)
