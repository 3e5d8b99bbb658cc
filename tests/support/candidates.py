"""Artifacts for a trial, and a server inside of this process, which starts at once."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tfx import types
from tfx.types import standard_artifacts

from components.infra_validator.component import Executor
from components.infra_validator.server_process import UnservableModelError
from components.infra_validator.settings import InfraSettings
from schema import names
from serving.server.errors import ServingError
from serving.server.options import ServerOptions
from serving.server.server import ModelServer
from tests.support.artifacts import make_artifact


class InnerServer:
    """Looks like a ServerProcess; what it serves is the same, and it shares this TensorFlow."""

    def __init__(self, base_path: Path, log: Path) -> None:
        self.kind = "server of the test"
        self._options = ServerOptions(
            model_name=names.MODEL_NAME,
            model_base_path=base_path,
            port=0,
            rest_api_port=0,
            max_num_load_retries=0,
            enable_signature_method_name_check=True,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._fault = ""

    def __enter__(self) -> InnerServer:
        self._thread.start()
        self._server = ModelServer(self._options)
        try:
            self._call(self._server.start())
        except ServingError as error:
            self._fault = error.message
        self.grpc_address = f"127.0.0.1:{self._server.grpc_port}"
        self.rest_url = f"http://127.0.0.1:{self._server.rest_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._server.stop(grace=5))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_until_available(self, timeout: float) -> None:
        if self._fault:
            raise UnservableModelError(self._fault)

    def raise_if_ended(self, wait: float = 0.0) -> None:
        """It ends with this process only."""

    def log_tail(self) -> str:
        return ""

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)


def make_examples(uri: Path, split: str, records: Sequence[bytes]) -> types.Artifact:
    """An Examples artifact with records in one split, over two files; the others hold junk."""
    examples = make_artifact(standard_artifacts.Examples, uri)
    examples.split_names = json.dumps(list(names.SPLITS))
    for name in names.SPLITS:
        (uri / f"Split-{name}").mkdir()
        halves = (records[:5], records[5:]) if name == split else ([b"not an example"], [])
        for number, half in enumerate(halves):
            path = uri / f"Split-{name}" / f"data_tfrecord-{number:05d}-of-00002.gz"
            with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
                for record in half:
                    writer.write(record)
    return examples


def changed_copy(model: Path, uri: Path, change: Callable[[Path], object]) -> types.Artifact:
    """A Model artifact with a copy of a SavedModel in which something was changed."""
    made = make_artifact(standard_artifacts.Model, uri)
    folder = uri / "Format-Serving"
    shutil.copytree(model, folder)
    change(folder)
    return made


def change_graph(change: Callable[[Any], object]) -> Callable[[Path], None]:
    """A change of the meta graph in `saved_model.pb`."""

    def edit(folder: Path) -> None:
        path = folder / "saved_model.pb"
        saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
        change(saved.meta_graphs[0])
        path.write_bytes(saved.SerializeToString())

    return edit


def execute(model: types.Artifact, papers: types.Artifact, uri: Path, **settings):
    """Runs the executor; returns its blessing and its report."""
    blessing = make_artifact(standard_artifacts.InfraBlessing, uri)
    Executor().Do(
        {"model": [model], "examples": [papers]},
        {"blessing": [blessing]},
        {"settings": InfraSettings(**settings).model_dump_json(), "source_digest": "x"},
    )
    return blessing, json.loads((uri / names.INFRA_REPORT_FILE).read_text())
