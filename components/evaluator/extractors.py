"""What TFMA reads of every test paper: the stock extracts, and the slices that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.utils import model_util

from components.evaluator.model_facts import read_vocabulary
from components.evaluator.paper_slices import NEW_TO_LAST_MODEL, NO, YES, PaperSlices
from components.trainer.train_titles import read_train_titles, title_keys
from schema import names
from schema.text import decode_text

Extracts = dict[str, Any]


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """Returns TFMA's extractors and ours; TFX's Evaluator calls it by import path.

    Args:
        eval_shared_model: The candidate, or the candidate and the last blessed model.
        eval_config: Which of them is the last blessed one.
        tensor_adapter_config: As TFX makes it.
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
        ptransform=_ExtractPaperSlices(*_facts(eval_shared_model, eval_config)),
    )
    return [*stock[:before], ours, *stock[before:]]


def _facts(
    eval_shared_model: Any, eval_config: tfma.EvalConfig
) -> tuple[list[str], NDArray[np.int64] | None]:
    """Returns the candidate's vocabulary, and the titles that the other one was trained on."""
    spec = model_util.get_baseline_model_spec(eval_config)
    baseline_name = spec.name if spec else None
    vocabulary: list[str] = []
    seen = None
    for model in model_util.verify_and_update_eval_shared_models(eval_shared_model):
        if model.model_name == baseline_name:
            # They lie beside the SavedModel, in the Model artifact.
            seen = read_train_titles(model.model_path.rpartition("/")[0])
        else:
            vocabulary = read_vocabulary(model.model_path)
    return vocabulary, seen


class _ExtractPaperSlices(beam.PTransform):
    def __init__(self, vocabulary: Sequence[str], seen: NDArray[np.int64] | None) -> None:
        super().__init__()
        self._vocabulary, self._seen = vocabulary, seen

    def expand(self, extracts: beam.PCollection) -> beam.PCollection:
        return extracts | beam.ParDo(AddPaperSlices(self._vocabulary, self._seen))


class AddPaperSlices(beam.DoFn):
    """Adds a feature for each slice to the raw features of an example."""

    def __init__(self, vocabulary: Sequence[str], seen: NDArray[np.int64] | None) -> None:
        """Prepares the slices.

        Args:
            vocabulary: The candidate's labels, most frequent in training first.
            seen: Sorted keys of the titles that the last blessed model was trained on, [m]; None
                where there is no such model, or it did not keep them.
        """
        self._slices = PaperSlices(vocabulary)
        self._seen = seen

    def process(self, extracts: Extracts) -> list[Extracts]:
        """Returns the extracts of an example with the slices among its features."""
        features = extracts[constants.FEATURES_KEY]
        labels = [decode_text(label) for label in np.ravel(features[names.TERMS])]
        (abstract,), (title,) = (
            np.ravel(features[name]) for name in (names.SUMMARIES, names.TITLES)
        )
        slices = {
            **self._slices.of(labels, decode_text(abstract)),
            NEW_TO_LAST_MODEL: NO if self._is_seen(title) else YES,
        }
        columns = {name: np.array([value]) for name, value in slices.items()}
        return [{**extracts, constants.FEATURES_KEY: {**features, **columns}}]

    def _is_seen(self, title: bytes) -> bool:
        # Where there is no column of titles all are empty, which says nothing of any paper.
        if self._seen is None or not self._seen.size or not title:
            return False
        (key,) = title_keys([title])
        place = np.searchsorted(self._seen, key)
        return bool(place < self._seen.size and self._seen[place] == key)
