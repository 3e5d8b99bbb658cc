"""The models that are served: finds, loads, swaps and unloads their versions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.logging_config_pb2 import LoggingConfig
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from serving.model_metadata import ModelMetadata
from serving.server.errors import ServingError, failed_precondition, invalid_argument, not_found
from serving.server.options import ServerOptions
from serving.server.store.model_versions import Loader, ModelVersions, choose_versions
from serving.server.store.servable import Servable
from serving.versions import version_folders

_logger = logging.getLogger(__name__)


class ModelStore:
    """Serves the versions of models that lie in folders, as TF Serving's ServerCore does.

    A new version is loaded and warmed up while the old one serves, then takes over; the old one
    is freed when its last request has ended. A version that can't be loaded, or whose warm-up
    fails, is refused, and the old one keeps serving. It is tried again as often as the flags
    say, and, unlike there, when its files have changed and then stayed the same from one look to
    the next. A version that serves is not loaded again when its files change, nor when its model
    gets another base path.

    All methods belong to one event loop; models are read in threads.
    """

    def __init__(
        self, models: Iterable[ModelConfig], options: ServerOptions, loader: Loader
    ) -> None:
        """Makes a store that serves nothing until `start` or `poll_once`.

        Args:
            models: What to serve.
            options: The flags. With `--file_system_poll_wait_seconds` below 0 it never looks at
                the base paths by itself.
            loader: Loads the versions.
        """
        self._configs = {model.name: model for model in models}
        self._options = options
        self._poll_wait_seconds = options.file_system_poll_wait_seconds
        self._loader = loader
        # Each model's versions by label.
        self.labels: dict[str, dict[str, int]] = {}
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

    def metadata(self, name: str) -> ModelMetadata | None:
        """Returns what the highest version of a model says about itself, if one serves."""
        serving = self._serving(name)
        return ModelMetadata(serving[max(serving)].model.path) if serving else None

    def lease(self, spec: ModelSpec) -> Servable:
        """Returns the version that a request asks for, else the highest, to be entered at once.

        Raises:
            ServingError: INVALID_ARGUMENT: no name, or an unknown label; NOT_FOUND: it does not
                serve. In the words of TF Serving's server_core.cc and basic_manager.cc.
        """
        name, choice = spec.name, spec.WhichOneof("version_choice")
        if not name:
            raise invalid_argument("ModelSpec has no name specified.")
        serving = self._serving(name)
        if choice is None:
            version = max(serving, default=None)
        elif choice == "version":
            version = spec.version.value
        else:
            version = self.labels.get(name, {}).get(spec.version_label)
            if version is None:
                raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
        if version not in serving:
            request = f"Latest({name})" if choice is None else f"Specific({name}, {version})"
            raise not_found(f"Servable not found for request: {request}")
        return serving[version]

    def status(self, spec: ModelSpec) -> GetModelStatusResponse:
        """Returns the states of one version or all, the highest first, ended ones included.

        A label is not looked at, as in all releases of TF Serving.

        Raises:
            ServingError: NOT_FOUND: nothing was ever loaded.

        Source: TF Serving's model_servers/get_model_status_impl.cc.
        """
        statuses = self._statuses(spec.name)
        if spec.HasField("version"):
            version = spec.version.value
            if version not in statuses:
                raise not_found(f"Could not find version {version} of model {spec.name}")
            return GetModelStatusResponse(model_version_status=[statuses[version]])
        if not statuses:
            raise not_found(f"Could not find any versions of model {spec.name}")
        newest_first = [statuses[version] for version in sorted(statuses, reverse=True)]
        return GetModelStatusResponse(model_version_status=newest_first)

    async def start(self) -> None:
        """Assigns the labels, loads the models, and keeps looking for new versions.

        It returns when a version of each model serves. As TF Serving it waits for base paths
        that are not there or are empty, if it looks more than once.

        Raises:
            ServingError: UNKNOWN: no version of a model can be loaded; FAILED_PRECONDITION: there
                are labels, and they may not name versions that don't serve: none does yet.
        """
        self.labels = self._assign_labels(self._configs.values())
        if self._poll_wait_seconds < 0:
            return
        await self.poll_once()
        while self._poll_wait_seconds and any(not self._statuses(name) for name in self.names):
            await asyncio.sleep(self._poll_wait_seconds)
            await self.poll_once()
        await self._check_serving(self._configs, "servable(s)")
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
        configs = {model.name: model for model in models}
        added = configs.keys() - self._configs.keys()
        await self._change(self._reload(configs))
        await self._check_serving(added, "model(s)")

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
        """Makes one change at a time, and finishes it even if the caller is cancelled."""

        async def run() -> None:
            async with self._changing:
                await change

        task = asyncio.create_task(run())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        await asyncio.shield(task)

    async def _reload(self, configs: Mapping[str, ModelConfig]) -> None:
        labels = self._assign_labels(configs.values())
        removed = self._configs.keys() - configs.keys()
        self._configs, self.labels = dict(configs), labels
        for name in removed:
            if name in self._versions:
                await self._versions[name].converge({}, LoggingConfig())
        await self._update_all()

    async def _update_all(self) -> None:
        for model in list(self._configs.values()):
            await self._update(model)

    async def _update(self, model: ModelConfig) -> None:
        base_path = Path(model.base_path)
        try:
            folders = await asyncio.to_thread(version_folders, base_path)
        except OSError as error:
            # The folder may be back in a moment: nothing is unloaded.
            self._warn_once(
                model.name,
                f"Could not find base path {base_path} for servable {model.name} with error "
                f"{error.strerror}",
            )
            return
        wanted = choose_versions(model.model_version_policy, folders)
        missing = set(model.model_version_policy.specific.versions) - wanted
        if missing:
            self._warn_once(
                model.name,
                f"Versions {sorted(missing)} of servable {model.name}, which were requested to be "
                "served as 'specific' versions in the servable's version policy, were not found "
                f"in the file system ({base_path})",
            )
        elif not wanted:
            self._warn_once(
                model.name,
                f"No versions of servable {model.name} found under base path {base_path}. "
                "Did you forget to name your leaf directory as a number (eg. '/1/')?",
            )
        else:
            self._warnings.pop(model.name, None)
        if model.name not in self._versions:
            self._versions[model.name] = ModelVersions(model.name, self._options, self._loader)
        versions = self._versions[model.name]
        found = {version: folders[version] for version in wanted}
        await versions.converge(found, model.logging_config)

    def _serving(self, name: str) -> dict[int, Servable]:
        return self._versions[name].serving if name in self._versions else {}

    def _statuses(self, name: str) -> Mapping[int, ModelVersionStatus]:
        return self._versions[name].statuses if name in self._versions else {}

    def _assign_labels(self, models: Iterable[ModelConfig]) -> dict[str, dict[str, int]]:
        """Returns the labels of a configuration, as UpdateModelVersionLabelMap does it."""
        labels = {model.name: dict(model.version_labels) for model in models}
        for name, versions in labels.items():
            current = self.labels.get(name, {})
            for label, version in versions.items():
                stays = current.get(label, version) == version
                ahead = self._options.allow_version_labels_for_unavailable_models and stays
                if version not in self._serving(name) and not ahead:
                    raise failed_precondition(
                        f"Request to assign label to version {version} of model {name}, "
                        "which is not currently available for inference"
                    )
        return labels

    async def _check_serving(self, names: Iterable[str], kind: str) -> None:
        """Raises where no version of a model serves, and none will be tried again.

        Source: TF Serving's WaitUntilModelsAvailable and ConnectSourcesWithFastInitialLoad.
        """
        while any(name in self._versions and self._versions[name].has_a_chance for name in names):
            await asyncio.sleep(min(1, self._options.load_retry_interval_micros / 1e6))
            await self.poll_once()
        failed = [name for name in sorted(names) if not self._serving(name)]
        if failed:
            raise ServingError(
                grpc.StatusCode.UNKNOWN,
                f"{len(failed)} {kind} did not become available: "
                f"{{{''.join(self._describe_failure(name) for name in failed)}}}",
            )

    def _warn_once(self, name: str, message: str) -> None:
        """Logs what is wrong with a model, again only when it has changed."""
        if self._warnings.get(name) != message:
            self._warnings[name] = message
            _logger.warning("%s", message)

    def _describe_failure(self, name: str) -> str:
        ended = [each for each in self._statuses(name).values() if each.status.error_code]
        if not ended:
            return f"{{{{name: {name}}} due to error: {self._warnings.get(name)}}}, "
        last = max(ended, key=lambda status: status.version)
        error = last.status
        code = next(code.name for code in grpc.StatusCode if code.value[0] == error.error_code)
        return (
            f"{{{{name: {name} version: {last.version}}} due to error: "
            f"{code}: {error.error_message}}}, "
        )
