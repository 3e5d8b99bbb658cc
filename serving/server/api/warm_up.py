"""Plays the warm-up requests of a SavedModel before it takes others."""

from __future__ import annotations

import asyncio
import itertools
import logging
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError
from tensorflow.python.framework.errors_impl import DataLossError, OpError
from tensorflow.python.lib.io._pywrap_record_io import RecordIterator
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from schema import names
from serving.server.api import inference
from serving.server.errors import data_loss, from_tensorflow, invalid_argument, unimplemented
from serving.server.store.servable import Servable

MAX_RECORDS: Final = 1000
# What answers each kind of request.
_ANSWER: Final[dict[str, Any]] = {
    "predict_log": inference.predict,
    "classify_log": inference.run_examples,
    "regress_log": inference.run_examples,
    "multi_inference_log": inference.multi_inference,
}

_logger = logging.getLogger(__name__)


async def play_warm_up(servable: Servable) -> int:
    """Answers the requests in `assets.extra/tf_serving_warmup_requests`, if it is there.

    They are answered as any request, so that whatever the first one sets up is set up by then.
    Which model a request names does not matter.

    Returns:
        The number of requests.

    Raises:
        ServingError: A request failed, there are more than 1,000, or the file is broken.

    Source: TF Serving's servables/tensorflow/saved_model_warmup_util.cc.
    """
    path = servable.model.path / names.EXTRA_ASSETS_DIR / names.WARMUP_FILE
    if not path.is_file():
        _logger.info("No warmup data file found at %s", path)
        return 0
    logs = await asyncio.to_thread(_read, path)
    for log in logs:
        await _play(servable, log)
    _logger.info(
        "Finished reading warmup data for model at %s. Number of warmup records read: %d",
        path,
        len(logs),
    )
    return len(logs)


def _read(path: Path) -> list[PredictionLog]:
    try:
        records = list(itertools.islice(RecordIterator(str(path), ""), MAX_RECORDS + 1))
    except DataLossError as error:
        raise data_loss(
            f"{error.message}. Please verify your warmup data is in TFRecord format."
        ) from error
    except OpError as error:
        raise from_tensorflow(error) from error
    if len(records) > MAX_RECORDS:
        raise invalid_argument(
            f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
        )
    try:
        return [PredictionLog.FromString(record) for record in records]
    except DecodeError as error:
        raise invalid_argument(f"Failed to parse warmup record: {error} from {path}") from error


async def _play(servable: Servable, log: PredictionLog) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "session_run_log":
        number = PredictionLog.SESSION_RUN_LOG_FIELD_NUMBER
        raise unimplemented(f"Unsupported log_type for warmup: {number}")
    if kind:
        await _ANSWER[kind](servable, getattr(log, kind).request)
