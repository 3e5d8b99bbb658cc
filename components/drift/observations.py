"""What is watched of requests: texts, and what a model suggests for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.papers.examples import read_papers
from schema import names
from schema.errors import BadInputError
from schema.text import decode_text, join_title_and_abstract
from serving.client.papers_file import USUAL_LAYOUT, Layout, read_rows
from serving.predict import Predictor

# Stands for a label where a text has none.
_NO_SUGGESTION: Final = b"(none)"
_PACKINGS: Final = ("", "GZIP", "ZLIB")
_ANSWER: Final = (names.OUTPUT_LABELS, names.OUTPUT_SCORES, names.OUTPUT_SUGGESTED)
_BATCH: Final = 256
# `text` first, which a file without any of the columns is asked for.
_LAYOUT: Final = Layout((*USUAL_LAYOUT.columns[1:], USUAL_LAYOUT.columns[0]))
_REMEDY: Final = "Rename the column that holds the texts"

Request = tuple[list[bytes], Mapping[str, NDArray[Any]]]
"""Texts and the outputs of `serving_default` for them; no outputs where nobody answered yet."""
Observations = dict[str, list[Any]]
"""By feature a value for each text; of `label` one for each suggestion."""


def observe(requests: Iterable[Request], model: Predictor) -> Observations:
    """Observes requests; the model answers what was not answered yet."""
    features = ("text_length", "known_share", "best_score", "suggestions", "label")
    found: Observations = {name: [] for name in features}
    for texts, answer in requests:
        outputs = answer or model.outputs(texts)
        labels, scores, suggested = (outputs[name] for name in _ANSWER)
        chosen = [row[mask].tolist() for row, mask in zip(labels, suggested, strict=True)]
        found["text_length"] += map(len, texts)
        found["known_share"] += outputs.get(names.OUTPUT_KNOWN_SHARE, np.zeros(0)).tolist()
        found["best_score"] += scores[:, 0].tolist()
        found["suggestions"] += [str(len(row)) for row in chosen]
        for row in chosen:
            found["label"] += map(decode_text, row or [_NO_SUGGESTION])
    return found


def read_papers_of(splits: Iterable[Path]) -> Iterator[Request]:
    """Reads the papers of ExampleGen's splits."""
    papers = (paper for split in splits for paper in read_papers(str(split)))
    return _in_batches(join_title_and_abstract(each.title, each.abstract) for each in papers)


def read_requests(path: Path, left_out: list[str]) -> Iterator[Request]:
    """Reads a file of requests.

    Args:
        path: TFRecords of PredictionLog, packed or not, of which those count that asked
            `serving_default`; or a file of texts in any form that `query --file` reads.
        left_out: Takes where and why a row of texts is left out.

    Raises:
        BadInputError: It can't be read.
    """
    for packing in _PACKINGS if path.is_file() else ():
        try:
            is_log = bool(list(tf.data.TFRecordDataset(str(path), packing).take(1)))
        except tf.errors.DataLossError:
            continue
        if is_log:
            return _read_log(path, packing)
    return _in_batches(_read_texts(path, left_out))


def _read_texts(path: Path, left_out: list[str]) -> Iterator[str]:
    for row in read_rows(path, _LAYOUT, _REMEDY):
        if row.problem:
            left_out.append(f"{path}, line {row.line}: {row.problem}")
        else:
            yield row.text


def _in_batches(texts: Iterator[str]) -> Iterator[Request]:
    while batch := [text.encode("utf-8") for text in islice(texts, _BATCH)]:
        yield batch, {}


def _read_log(path: Path, packing: str) -> Iterator[Request]:
    try:
        for record in tf.data.TFRecordDataset(str(path), packing).as_numpy_iterator():
            log = PredictionLog.FromString(record).predict_log
            asked = log.request.model_spec.signature_name or names.SIGNATURE_DEFAULT
            if asked == names.SIGNATURE_DEFAULT and names.INPUT_TEXT in log.request.inputs:
                texts = tf.make_ndarray(log.request.inputs[names.INPUT_TEXT]).ravel().tolist()
                answer = log.response.outputs
                whole = all(name in answer for name in _ANSWER)
                yield texts, {name: tf.make_ndarray(answer[name]) for name in answer if whole}
    except (tf.errors.DataLossError, DecodeError, TypeError, ValueError) as error:
        # The last record of a log that is being written may be cut off.
        if "truncated record" in str(error):
            return
        raise BadInputError(
            f"{path}: not a log of predictions, or a damaged one ({error}). Give TFRecords of "
            f"PredictionLog that asked {names.SIGNATURE_DEFAULT!r}, or a file of texts."
        ) from error
