"""Reads requests: a server's log of predictions, or the texts that a portal logs itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.drift.observations import Observations, Outputs
from components.papers.examples import read_papers
from schema import names
from schema.errors import BadInputError
from schema.text import encode_text, join_title_and_abstract
from serving.client.papers_file import read_rows
from serving.predict import Predictor

_BATCH: Final = 256
_PACKINGS: Final = ("", "GZIP", "ZLIB")
_ANSWER: Final = (names.OUTPUT_LABELS, names.OUTPUT_SCORES, names.OUTPUT_SUGGESTED)


def observe_files(paths: Iterable[Path], model: Predictor) -> Observations:
    """Observes the requests in files.

    Args:
        paths: TFRecords of PredictionLog, packed or not, of which those count that asked
            `serving_default`; or files of texts in any form that `query --file` reads.
        model: Answers what a file has no answer to.

    Raises:
        BadInputError: A file can't be read.
    """
    found = Observations()
    for path in paths:
        packing = _packing(path) if path.is_file() else None
        if packing is None:
            rows = (row for row in read_rows(path) if not row.problem)
            _ask(found, (encode_text(row.text, f"Row {row.number}") for row in rows), model)
            continue
        for texts, outputs in _read_logs(path, packing):
            if texts:
                found.add(texts, outputs or model.outputs(texts))
    return found


def observe_papers(folders: Iterable[Path], model: Predictor) -> Observations:
    """Observes the papers of splits, and what a model answers."""
    found = Observations()
    for folder in folders:
        papers = read_papers(str(folder))
        texts = (join_title_and_abstract(each.title, each.abstract) for each in papers)
        _ask(found, (text.encode("utf-8") for text in texts), model)
    return found


def _ask(found: Observations, texts: Iterable[bytes], model: Predictor) -> None:
    left = iter(texts)
    while batch := list(islice(left, _BATCH)):
        found.add(batch, model.outputs(batch))


def _packing(path: Path) -> str | None:
    """Returns how TFRecords are packed; None where the file is something else."""
    for packing in _PACKINGS:
        try:
            if list(tf.data.TFRecordDataset(str(path), packing).take(1)):
                return packing
        except tf.errors.DataLossError:
            continue
    return None


def _read_logs(path: Path, packing: str) -> Iterator[tuple[list[bytes], Outputs]]:
    """Reads the texts of each request and what was answered, if that is in the log."""
    remedy = f"Give TFRecords of PredictionLog that ask {names.SIGNATURE_DEFAULT!r}, or texts."
    try:
        for record in tf.data.TFRecordDataset(str(path), packing).as_numpy_iterator():
            log = PredictionLog.FromString(record).predict_log
            asked = log.request.model_spec.signature_name or names.SIGNATURE_DEFAULT
            if asked != names.SIGNATURE_DEFAULT or names.INPUT_TEXT not in log.request.inputs:
                continue
            texts = tf.make_ndarray(log.request.inputs[names.INPUT_TEXT]).ravel().tolist()
            answer = log.response.outputs
            whole = all(name in answer for name in _ANSWER)
            yield texts, {name: tf.make_ndarray(answer[name]) for name in answer} if whole else {}
    except tf.errors.DataLossError as error:
        raise BadInputError(f"{path}: damaged, or cut off ({error.message}). {remedy}") from error
    except (DecodeError, TypeError, ValueError) as error:
        raise BadInputError(f"{path}: not a log of predictions ({error}). {remedy}") from error
