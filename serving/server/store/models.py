"""The models that are served: finds, loads, swaps and unloads their versions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import grpc
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.config import ModelConfig
from serving.server.errors import ServingError, invalid_argument, not_found
from serving.server.model.runners import BatchingOptions
from serving.server.store.labels import Labels, assign_labels
from serving.server.store.model_versions import ModelVersions
from serving.server.store.policy import Specific, choose_versions
from serving.server.store.servable import Servable, VersionStatus
from serving.server.store.storage import find_versions

_logger = logging.getLogger(__name__)


class ModelStore:
    """Serves the versions of models that lie in folders, as TF Serving's ServerCore does.

    A new version is loaded and warmed up beside the old one, then takes over; the old one is
    freed when the requests on it have ended. A version that can't be loaded, or whose warm-up
    fails, is refused, and what served goes on serving. It is tried again when its files have
    changed and then stayed the same from one look to the next: on a local file system nothing
    else can mend it (TF Serving tries five times more, a minute apart). A version that serves is
    not loaded again when its files change, nor when its model gets another base path.

    All methods belong to one event loop; models are read in threads beside it.
    """

    def __init__(
        self,
        models: Iterable[ModelConfig],
        *,
        batching: BatchingOptions | None = None,
        poll_wait_seconds: float = 1,
        allow_labels_for_unavailable: bool = False,
    ) -> None:
        """Makes a store that serves nothing until `start` or `poll_once`.

        Args:
            models: What to serve.
            batching: How requests are gathered into batches; None computes each on its own.
            poll_wait_seconds: Time between two looks at the base paths; 0 looks once, at the
                start; less than 0 never looks by itself (`--file_system_poll_wait_seconds`).
            allow_labels_for_unavailable: As in `assign_labels`.
        """
        self._configs = {model.name: model for model in models}
        self._batching = batching
        self._poll_wait_seconds = poll_wait_seconds
        self._allow_labels_for_unavailable = allow_labels_for_unavailable
        self._labels: Labels = {}
        # Models that were removed stay: their last states can be asked for.
        self._versions: dict[str, ModelVersions] = {}
        self._warnings: dict[str, str] = {}
        self._changing = asyncio.Lock()
        self._changes: set[asyncio.Task[None]] = set()
        self._poller: asyncio.Task[None] | None = None

    @property
    def names(self) -> list[str]:
        """The names of the models in the configuration."""
        return list(self._configs)

    def get(self, name: str, version: int | None = None, label: str | None = None) -> Servable:
        """Returns a version that serves: the one asked for, or the highest.

        Raises:
            ServingError: INVALID_ARGUMENT: no name, or an unknown label; NOT_FOUND: it does not
                serve. In the words of TF Serving's server_core.cc and basic_manager.cc.
        """
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        if label is not None:
            version = self._find_label(name, label)
        serving = self._serving(name)
        found = max(serving, default=None) if version is None else version
        if found is None or found not in serving:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise not_found(f"Servable not found for request: {request}")
        return serving[found]

    def for_spec(self, spec: ModelSpec) -> Servable:
        """Returns the version that a request asks for; errors as in `get`."""
        match spec.WhichOneof("version_choice"):
            case "version":
                return self.get(spec.name, version=spec.version.value)
            case "version_label":
                return self.get(spec.name, label=spec.version_label)
        return self.get(spec.name)

    def lease(self, spec: ModelSpec) -> AbstractContextManager[Servable]:
        """Returns the version that a request asks for; it stays loaded within the context.

        Raises:
            ServingError: As in `get`.
        """
        return self.for_spec(spec).lease()

    def status(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> list[VersionStatus]:
        """Returns the states of one version or all, the highest first, ended ones included.

        Raises:
            ServingError: NOT_FOUND: nothing was ever loaded; INVALID_ARGUMENT: an unknown label.

        Source: TF Serving's model_servers/get_model_status_impl.cc; that a label means one
        version, section "Model status API" of the REST guide.
        """
        if label is not None:
            version = self._find_label(name, label)
        statuses = self._statuses(name)
        if version is None:
            if not statuses:
                raise not_found(f"Could not find any versions of model {name}")
            return [statuses[number] for number in sorted(statuses, reverse=True)]
        if version not in statuses:
            raise not_found(f"Could not find version {version} of model {name}")
        return [statuses[version]]

    async def start(self) -> None:
        """Loads the models, assigns the labels, and goes on looking for new versions.

        It returns when a version of each model serves. As TF Serving it waits for base paths
        that are not there or are empty, if it looks more than once.

        Raises:
            ServingError: UNKNOWN: no version of a model can be loaded; FAILED_PRECONDITION: a
                label's version does not serve.
        """
        if self._poll_wait_seconds < 0:
            return
        await self.poll_once()
        while self._poll_wait_seconds and any(not self._statuses(name) for name in self.names):
            await asyncio.sleep(self._poll_wait_seconds)
            await self.poll_once()
        self._check_serving(self._configs)
        self._labels = self._assign_labels(self._configs.values())
        if self._poll_wait_seconds:
            self._poller = asyncio.create_task(self._poll())

    async def reload(self, models: Sequence[ModelConfig]) -> None:
        """Takes another configuration: models that come, go, or change.

        Raises:
            ServingError: FAILED_PRECONDITION: a label's version does not serve yet; the old
                configuration stays. UNKNOWN: a new model can't be loaded; the new configuration
                holds all the same, as in TF Serving. Unlike there it does not wait for a base
                path that is not there.
        """
        await self._change(self._reload({model.name: model for model in models}))

    async def poll_once(self) -> None:
        """Looks at the base paths once; loads, swaps and unloads what has changed.

        A version that still computes requests is left to be freed later.
        """
        await self._change(self._update_all())

    async def close(self) -> None:
        """Unloads everything, after the requests that are being computed."""
        if self._poller is not None:
            self._poller.cancel()
        await self._change(self._reload({}))
        await asyncio.gather(*(model.wait_unloaded() for model in self._versions.values()))

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_wait_seconds)
            try:
                await self.poll_once()
            except Exception:
                # The next look must come, whatever this one met.
                _logger.exception("Looking for new versions failed")

    async def _change(self, change: Coroutine[Any, Any, None]) -> None:
        """Makes one change at a time, to its end even if who asked for it has gone."""

        async def run() -> None:
            async with self._changing:
                await change

        task = asyncio.create_task(run())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        await asyncio.shield(task)

    async def _reload(self, configs: Mapping[str, ModelConfig]) -> None:
        labels = self._assign_labels(configs.values())
        added = configs.keys() - self._configs.keys()
        removed = self._configs.keys() - configs.keys()
        self._configs, self._labels = dict(configs), labels
        for name in removed:
            if name in self._versions:
                await self._versions[name].converge({})
        await self._update_all()
        self._check_serving(added)

    async def _update_all(self) -> None:
        for model in list(self._configs.values()):
            await self._update(model)

    async def _update(self, model: ModelConfig) -> None:
        try:
            folders = await asyncio.to_thread(find_versions, model.name, model.base_path)
        except ServingError as error:
            # The folder may be away for a moment only: nothing is unloaded.
            self._warn_once(model.name, error.message)
            return
        wanted = choose_versions(model.policy, folders)
        missing = model.policy.versions - wanted if isinstance(model.policy, Specific) else ()
        if missing:
            self._warn_once(
                model.name,
                f"Versions {sorted(missing)} of servable {model.name}, which were requested to be "
                "served as 'specific' versions in the servable's version policy, were not found "
                f"in the file system ({model.base_path})",
            )
        elif not wanted:
            self._warn_once(
                model.name,
                f"No versions of servable {model.name} found under base path {model.base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?",
            )
        else:
            self._warnings.pop(model.name, None)
        versions = self._versions.setdefault(model.name, ModelVersions(model.name, self._batching))
        await versions.converge({version: folders[version] for version in wanted})

    def _serving(self, name: str) -> Mapping[int, Servable]:
        return self._versions[name].serving if name in self._versions else {}

    def _statuses(self, name: str) -> Mapping[int, VersionStatus]:
        return self._versions[name].statuses if name in self._versions else {}

    def _find_label(self, name: str, label: str) -> int:
        version = self._labels.get(name, {}).get(label)
        if version is None:
            raise invalid_argument(f"Unrecognized servable version label: {label}")
        return version

    def _assign_labels(self, models: Iterable[ModelConfig]) -> Labels:
        serving = {name: versions.serving for name, versions in self._versions.items()}
        return assign_labels(models, serving, self._labels, self._allow_labels_for_unavailable)

    def _check_serving(self, names: Iterable[str]) -> None:
        """Raises where no version of a model serves, as WaitUntilModelsAvailable does it."""
        failed = [name for name in sorted(names) if not self._serving(name)]
        if failed:
            raise ServingError(
                grpc.StatusCode.UNKNOWN,
                f"{len(failed)} model(s) did not become available: "
                f"{{{''.join(self._describe_failure(name) for name in failed)}}}",
            )

    def _warn_once(self, name: str, message: str) -> None:
        """Logs what hinders a model, again only when it has changed."""
        if self._warnings.get(name) != message:
            self._warnings[name] = message
            _logger.warning("%s", message)

    def _describe_failure(self, name: str) -> str:
        ended = [status for status in self._statuses(name).values() if status.code]
        if not ended:
            return f"{{{{name: {name}}} due to error: {self._warnings.get(name)}}}, "
        last = max(ended, key=lambda status: status.version)
        code = next(code.name for code in grpc.StatusCode if code.value[0] == last.code)
        return (
            f"{{{{name: {name} version: {last.version}}} due to error: {code}: {last.message}}}, "
        )
