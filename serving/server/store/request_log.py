"""Writes what a model is asked, and its answers: TFRecords of PredictionLog, in a thread."""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tensorflow.python.framework.errors_impl import OpError
from tensorflow.python.lib.io.tf_record import TFRecordWriter
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tensorflow_serving.config.logging_config_pb2 import LoggingConfig

from serving.server.model.tensors import Array, serialize_tensor

_MOST_WAITING: Final = 256
# Requests with more elements than this are left out: those that wait have to fit in memory.
_MOST_ELEMENTS: Final = 1024
_SECONDS_TO_END: Final = 5

_logger = logging.getLogger(__name__)


class RequestLog:
    """A sample of the Predict requests of a model, as its `logging_config` asks for.

    No request waits for the disk or fails with it: what can't be written is left out.
    """

    def __init__(self, config: LoggingConfig) -> None:
        self.config = config
        prefix = config.log_collector_config.filename_prefix
        self._path = f"{prefix}-{time.strftime('%Y%m%dT%H%M%S')}.tfrecord"
        self._waiting: queue.Queue[tuple[Any, ...] | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._write_all, daemon=True)
        self._thread.start()

    def add(
        self, spec: ModelSpec, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> None:
        """Takes a request and its answer, as arrays by alias, unless the writer is behind."""
        sampled = random.random() < self.config.sampling_config.sampling_rate
        small = sum(array.size for array in inputs.values()) <= _MOST_ELEMENTS
        if sampled and small and not self._waiting.full():
            self._waiting.put_nowait((spec, inputs, outputs, int(time.time())))

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        # A disk may hang.
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=_SECONDS_TO_END)
        self._thread.join(_SECONDS_TO_END)

    def _write_all(self) -> None:
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            with TFRecordWriter(self._path) as file:
                while (request := self._waiting.get()) is not None:
                    file.write(_serialize(*request))
                    if self._waiting.empty():
                        file.flush()
        except Exception as error:
            known = isinstance(error, OSError | OpError)
            _logger.error(
                "Requests are no longer logged to %s: %s", self._path, error, exc_info=not known
            )
            while self._waiting.get() is not None:
                pass


def _serialize(
    spec: ModelSpec, inputs: Mapping[str, Array], outputs: Mapping[str, Array], seconds: int
) -> bytes:
    log = PredictionLog()
    log.log_metadata.timestamp_secs = seconds
    request, response = log.predict_log.request, log.predict_log.response
    for message in (log.log_metadata, request, response):
        message.model_spec.CopyFrom(spec)
    for into, tensors in ((request.inputs, inputs), (response.outputs, outputs)):
        for alias, array in tensors.items():
            into[alias].MergeFromString(serialize_tensor(array))
    return bytes(log.SerializeToString())
