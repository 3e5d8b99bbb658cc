"""What TFMA reads of every test paper: its own extracts, and the slices it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from apache_beam.utils.shared import Shared
from numpy.typing import NDArray
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import model_util
from tfx.dsl.io import fileio

from components.evaluator.paper_slices import NEW_TO_LAST_MODEL, NO, YES, PaperSlices
from components.papers.paper_keys import are_train_papers, read_train_keys
from schema import names
from schema.text import decode_text
from serving.model_metadata import ModelMetadata

Extracts = dict[str, Any]


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """Returns TFMA's extractors and ours; TFX's Evaluator imports it by path.

    Args:
        eval_shared_model: The candidate, or the candidate and the last blessed model.
        eval_config: Says which of them is the last blessed one.
        tensor_adapter_config: From TFX.
    """
    stock: list[tfma.extractors.Extractor] = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    before = [each.stage_name for each in stock].index(
        tfma.extractors.SLICE_KEY_EXTRACTOR_STAGE_NAME
    )
    ours = tfma.extractors.Extractor(
        stage_name="ExtractPaperSlices",
        ptransform=beam.ParDo(AddPaperSlices(*_facts(eval_shared_model, eval_config))),
    )
    return [*stock[:before], ours, *stock[before:]]


def _facts(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig
) -> tuple[Sequence[str], str | None]:
    """Returns the candidate's vocabulary and the folder of the last blessed Model artifact."""
    spec = model_util.get_baseline_model_spec(eval_config)
    baseline_name = spec.name if spec else None
    vocabulary: Sequence[str] = ()
    last_model = None
    for model in model_util.verify_and_update_eval_shared_models(eval_shared_model):
        if model.model_name == baseline_name:
            last_model = model.model_path.rpartition("/")[0]
        else:
            vocabulary = ModelMetadata(model.model_path, fileio.open).labels
    return vocabulary, last_model


class AddPaperSlices(beam.DoFn):
    """Adds a feature for each slice to the raw features of an example."""

    def __init__(self, vocabulary: Sequence[str], last_model: str | None) -> None:
        """Prepares the slices.

        Args:
            vocabulary: The candidate's labels, most frequent in training first.
            last_model: The folder of the last blessed model, with the keys of the papers that it
                was trained on if it kept them; None if there is no such model.
        """
        self._slices = PaperSlices(vocabulary)
        self._last_model = last_model
        self._shared = Shared()
        self._seen = np.zeros(0, np.int64)

    def setup(self) -> None:
        """Reads the keys, once for all threads of a worker.

        They are 80 MB for ten million papers: too much for the pipeline's graph.
        """
        if self._last_model is not None:
            self._seen = self._shared.acquire(self._read_seen)

    def _read_seen(self) -> NDArray[np.int64]:
        seen = read_train_keys(str(self._last_model))
        return np.zeros(0, np.int64) if seen is None else seen

    def process(self, extracts: Extracts) -> list[Extracts]:
        """Adds the slices to the features of an example."""
        features = extracts[constants.FEATURES_KEY]
        labels = [
            decode_text(label)
            for name in (names.TERMS, names.LEFT_OUT_TERMS)
            for label in np.ravel(features.get(name, ()))
        ]
        title, abstract = (np.ravel(features[name]) for name in (names.TITLES, names.SUMMARIES))
        slices = {
            **self._slices.of(labels, decode_text(abstract[0])),
            NEW_TO_LAST_MODEL: NO if are_train_papers(self._seen, title, abstract).any() else YES,
        }
        columns = {name: np.array([value]) for name, value in slices.items()}
        return [{**extracts, constants.FEATURES_KEY: {**features, **columns}}]
