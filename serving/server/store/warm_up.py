"""Plays the warm-up requests of a SavedModel before it takes others."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from schema import names
from serving.server.api.inference import Inference
from serving.server.errors import ServingError, from_tensorflow, invalid_argument, unimplemented
from serving.server.store.servable import Servable

if TYPE_CHECKING:
    from serving.server.store.models import ModelStore

MAX_RECORDS: Final = 1000

_logger = logging.getLogger(__name__)


async def play_warm_up(servable: Servable) -> int:
    """Answers the requests in `assets.extra/tf_serving_warmup_requests`, if it is there.

    They take the way of any request, so that whatever is set up at the first one is set up. The
    model that a request names does not matter.

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
    inference = Inference(cast("ModelStore", _Only(servable)))
    for log in logs:
        await _play(log, inference, servable.name)
    _logger.info(
        "Finished reading warmup data for model at %s. Number of warmup records read: %d",
        path,
        len(logs),
    )
    return len(logs)


def _read(path: Path) -> list[PredictionLog]:
    try:
        records = list(tf.data.TFRecordDataset(str(path)).take(MAX_RECORDS + 1).as_numpy_iterator())
    except tf.errors.DataLossError as error:
        raise ServingError(
            grpc.StatusCode.DATA_LOSS,
            f"{error.message}. Please verify your warmup data is in TFRecord format.",
        ) from error
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from error
    if len(records) > MAX_RECORDS:
        raise invalid_argument(
            f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}"
        )
    try:
        return [PredictionLog.FromString(record) for record in records]
    except DecodeError as error:
        raise invalid_argument(f"Failed to parse warmup record: {error} from {path}") from error


async def _play(log: PredictionLog, inference: Inference, name: str) -> None:
    # TF Serving plays requests that name no model too.
    match log.WhichOneof("log_type"):
        case "predict_log":
            log.predict_log.request.model_spec.name = name
            await inference.predict(log.predict_log.request)
        case "classify_log":
            log.classify_log.request.model_spec.name = name
            await inference.classify(log.classify_log.request)
        case "regress_log":
            log.regress_log.request.model_spec.name = name
            await inference.regress(log.regress_log.request)
        case "multi_inference_log":
            await inference.multi_inference(log.multi_inference_log.request)
        case "session_run_log":
            number = PredictionLog.SESSION_RUN_LOG_FIELD_NUMBER
            raise unimplemented(f"Unsupported log_type for warmup: {number}")


class _Only:
    """Stands in for the store: whatever model is asked for, it is this one."""

    def __init__(self, servable: Servable) -> None:
        self._servable = servable

    def lease(self, spec: ModelSpec) -> AbstractContextManager[Servable]:
        return self._servable.lease()
