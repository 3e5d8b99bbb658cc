"""A server whose models change, and clients that call it meanwhile."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from tests.support.contract.api import Client, array, wait_for
from tests.support.contract.served_models import Library, config, listing

# What version N of a model computes of 2, and the SavedModel that does it.
RESULTS = {1: 3.0, 2: 4.0, 3: 5.0}
KINDS = {1: "half_plus_two", 2: "half_plus_three", 3: "half_plus_four"}


class Changing:
    """A server whose models change.

    Attributes:
        client: Calls it.
        base: Holds a base path for each model.
        file: Its --model_config_file, which it reads only when it starts.
    """

    def __init__(
        self, client: Client, library: Library, base: Path, file: Path, models: Iterable[str]
    ) -> None:
        self.client = client
        self.base = base
        self.file = file
        self._library = library
        self._models = {name: config(base, name) for name in models}

    def publish(self, model: str, version: int, kind: str = "") -> None:
        self._library.publish(kind or KINDS[version], self.base / model, version)

    def remove(self, model: str, version: int) -> None:
        gone = self.base / f"{model}.{version}.gone"
        (self.base / model / str(version)).rename(gone)
        shutil.rmtree(gone)

    def configuration(self, *changed: ModelConfig) -> ModelServerConfig:
        """The models that are served, but for those given."""
        return listing(*{**self._models, **{made.name: made for made in changed}}.values())

    def reload(self, *changed: ModelConfig) -> None:
        """Has models served otherwise, or new ones; the others stay as they are."""
        response = self.client.reload(self.configuration(*changed))
        assert response.status.error_code == 0
        assert response.status.error_message == ""
        self._models.update({made.name: made for made in changed})

    def result(self, model: str, **choice: Any) -> float:
        response = self.client.predict(model, {"x": 2.0}, **choice)
        return array(response.outputs["y"]).item()

    def rest_result(self, path: str) -> float:
        (value,) = self.client.post(f"{path}:predict", {"instances": [2.0]}).content["predictions"]
        return value

    def callers(self, model: str) -> Callers:
        """Calls a model over both protocols."""
        calls = [lambda: self.result(model), lambda: self.rest_result(model)]
        return Callers(*calls, *calls)

    def serving(self, model: str) -> set[int]:
        states = self.client.status(name=model)
        return {version for version, state in states.items() if state.state == "AVAILABLE"}

    def wait_serving(self, model: str, *versions: int) -> None:
        wait_for(lambda: self.serving(model) == set(versions))


class Callers:
    """Threads that each send one request after the other.

    Attributes:
        results: What was answered, in order.
        failures: What went wrong.
    """

    def __init__(self, *calls: Callable[[], float]) -> None:
        self.results: list[float] = []
        self.failures: list[Exception] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(call,), daemon=True) for call in calls
        ]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, call: Callable[[], float]) -> None:
        while not self._stop.is_set():
            try:
                self.results.append(call())
            except Exception as error:  # noqa: BLE001
                self.failures.append(error)
