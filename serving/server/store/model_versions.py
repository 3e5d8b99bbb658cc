"""The versions of one model: loads, swaps and unloads them, and knows their states."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.config.file_system_storage_path_source_pb2 import (
    FileSystemStoragePathSourceConfig,
)
from tensorflow_serving.config.logging_config_pb2 import LoggingConfig

from serving.server.config import read_batching, read_session_config
from serving.server.errors import ServingError, internal
from serving.server.model.batching import BatchingRunner
from serving.server.model.limits import Limits
from serving.server.model.runners import DirectRunner
from serving.server.model.saved_model import load_saved_model
from serving.server.options import ServerOptions
from serving.server.store.request_log import RequestLog
from serving.server.store.servable import Servable

# The path, size and time of change of each file.
Fingerprint = frozenset[tuple[str, int, int]]
VersionPolicy: TypeAlias = FileSystemStoragePathSourceConfig.ServableVersionPolicy
# Answers the warm-up requests of a version before it takes others.
WarmUp = Callable[[Servable], Awaitable[object]]

_logger = logging.getLogger(__name__)

# How long other versions wait while one is freed.
_UNLOAD_SECONDS: Final = 1.0


class Loader:
    """Loads versions as the flags say; together they may compute what the limits allow."""

    def __init__(self, options: ServerOptions, warm_up: WarmUp) -> None:
        """Reads the batching parameters.

        Args:
            options: The flags.
            warm_up: Answers a version's warm-up requests; where it raises, the version is refused.

        Raises:
            UsageError: Options that contradict each other, or a file that can't be read.
        """
        self._warm_up = warm_up if options.enable_model_warmup else None
        self._batching = read_batching(options)
        self._session = read_session_config(options)
        self._limits = Limits(options.max_string_bytes, options.max_computing_bytes)
        self._check_method_names = options.enable_signature_method_name_check

    async def load(self, name: str, version: int, folder: Path) -> Servable:
        """Returns a version of a model, warmed up.

        Raises:
            ServingError: It can't be loaded.
        """
        model = await asyncio.to_thread(load_saved_model, folder, self._session)
        runner = (
            DirectRunner(model, limits=self._limits)
            if self._batching is None
            else BatchingRunner(model, self._batching, self._limits)
        )
        servable = Servable(name, version, model, runner, self._check_method_names)
        try:
            if self._warm_up is not None:
                await self._warm_up(servable)
        except BaseException:
            await servable.close()
            raise
        return servable


@dataclass
class _Refusal:
    """A version that could not be loaded."""

    error: ServingError
    # Its files when it was tried, and at the last look since.
    tried: Fingerprint
    seen: Fingerprint
    # How often, and from when on, it is tried again as it is.
    retries: int
    again_at: float


class ModelVersions:
    """The versions of one model.

    Attributes:
        name: Name of the model.
        serving: The versions that take requests.
        statuses: The last state of each version that was ever to be loaded.
    """

    def __init__(self, name: str, options: ServerOptions, loader: Loader) -> None:
        self.name = name
        self.serving: dict[int, Servable] = {}
        self.statuses: dict[int, ModelVersionStatus] = {}
        self._options = options
        self._loader = loader
        self._refused: dict[int, _Refusal] = {}
        self._unloading: set[asyncio.Task[None]] = set()
        self._log: RequestLog | None = None

    @property
    def has_a_chance(self) -> bool:
        """Whether no version serves yet, and one that could not be loaded is tried again."""
        return not self.serving and any(each.retries for each in self._refused.values())

    async def converge(self, wanted: Mapping[int, Path], logging_config: LoggingConfig) -> None:
        """Loads and unloads until the versions that are wanted serve, as far as they can.

        Args:
            wanted: The folder of each version that should serve.
            logging_config: How requests are logged.
        """
        for version in self._refused.keys() - wanted.keys():
            self._set_status(version, ModelVersionStatus.END, self._refused.pop(version).error)
        loadable = {
            version for version, folder in wanted.items() if await self._may_load(version, folder)
        }
        for version in loadable:
            self._set_status(version, ModelVersionStatus.START)
        while (action := next_action(wanted, loadable, self.serving)) is not None:
            step, version = action
            if step == "load":
                loadable.remove(version)
                await self._load(version, wanted[version])
            else:
                await self._unload(self.serving.pop(version))
        await self._log_requests(logging_config)

    async def wait_unloaded(self) -> None:
        """Returns when the versions that were unloaded in use are freed."""
        await asyncio.gather(*self._unloading)

    async def _log_requests(self, config: LoggingConfig) -> None:
        if self._log is not None and self._log.config != config:
            await asyncio.to_thread(self._log.close)
            self._log = None
        if self._log is None and config.log_collector_config.type:
            self._log = RequestLog(config)
        for servable in self.serving.values():
            servable.request_log = self._log

    async def _may_load(self, version: int, folder: Path) -> bool:
        """Says whether a version is new, or was refused and is due again or may have been repaired.

        It may have been repaired when its files changed and then stayed the same from one look
        to the next: nobody is still writing them.
        """
        status = self.statuses.get(version)
        if version in self.serving or (
            status is not None and status.state == ModelVersionStatus.UNLOADING
        ):
            return False
        refusal = self._refused.get(version)
        if refusal is None:
            return True
        now = await asyncio.to_thread(fingerprint, folder)
        if now == refusal.seen != refusal.tried:
            del self._refused[version]
            return True
        refusal.seen = now
        return refusal.retries > 0 and time.monotonic() >= refusal.again_at

    async def _load(self, version: int, folder: Path) -> None:
        self._set_status(version, ModelVersionStatus.LOADING)
        held = await asyncio.to_thread(fingerprint, folder)
        try:
            servable = await self._loader.load(self.name, version, folder)
        except Exception as error:
            # Whatever is wrong with this version, the others must keep serving.
            known = isinstance(error, ServingError)
            told = error if isinstance(error, ServingError) else internal(repr(error))
            last = self._refused.get(version)
            retries = last.retries - 1 if last else max(0, self._options.max_num_load_retries)
            again_at = time.monotonic() + self._options.load_retry_interval_micros / 1e6
            self._refused[version] = _Refusal(told, held, held, retries, again_at)
            # As in TF Serving it goes on loading as long as it is tried.
            if not retries:
                self._set_status(version, ModelVersionStatus.END, told)
            _logger.error(
                "Servable %s cannot be loaded: %s. Retries left: %d",
                self._id(version),
                told,
                retries,
                exc_info=not known,
            )
            return
        self._refused.pop(version, None)
        self.serving[version] = servable
        self._set_status(version, ModelVersionStatus.AVAILABLE)
        _logger.info("Successfully loaded servable version %s", self._id(version))

    async def _unload(self, servable: Servable) -> None:
        """Frees a version that no new request reaches: now, or when its last request has ended."""
        self._set_status(servable.version, ModelVersionStatus.UNLOADING)
        task = asyncio.create_task(self._close(servable))
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)
        if not servable.in_use:
            # Not for ever: a run whose request has given up may still be computing.
            await asyncio.wait({task}, timeout=_UNLOAD_SECONDS)

    async def _close(self, servable: Servable) -> None:
        try:
            await servable.close()
        except Exception:
            _logger.exception("Servable %s was not freed", self._id(servable.version))
        else:
            _logger.info("Done unloading servable version %s", self._id(servable.version))
        finally:
            self._set_status(servable.version, ModelVersionStatus.END)

    def _set_status(self, version: int, state: Any, error: ServingError | None = None) -> None:
        status = self.statuses[version] = ModelVersionStatus(version=version, state=state)
        # Set even where all is well, as in TF Serving's answers.
        status.status.error_code = 0 if error is None else error.code.value[0]
        status.status.error_message = "" if error is None else error.message

    def _id(self, version: int) -> str:
        return f"{{name: {self.name} version: {version}}}"


def fingerprint(folder: Path) -> Fingerprint:
    """Looks at the files in a folder, but for those that vanish meanwhile or can't be read."""
    found = set()
    for parent, _, files in os.walk(folder, followlinks=True):
        for file in files:
            path = Path(parent, file)
            try:
                status = path.stat()
            except OSError:
                continue
            found.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)


def choose_versions(policy: VersionPolicy, versions: Collection[int]) -> frozenset[int]:
    """Returns which of the existing versions to serve: the highest, if the policy is empty."""
    match policy.WhichOneof("policy_choice"):
        case "all":
            return frozenset(versions)
        case "specific":
            return frozenset(policy.specific.versions).intersection(versions)
    # As in TF Serving, 0 means 1.
    return frozenset(sorted(versions)[-max(policy.latest.num_versions, 1) :])


def next_action(
    wanted: Collection[int], loadable: Collection[int], serving: Collection[int]
) -> tuple[Literal["load", "unload"], int] | None:
    """Returns the next step from the versions that serve to those that are wanted.

    The rules are those of TF Serving's core/availability_preserving_policy.cc: as long as
    versions are wanted and none of them serves, one that is no longer wanted goes on serving;
    apart from that unloading comes before loading, the lowest first; the highest is loaded first.

    Args:
        wanted: Versions that should serve.
        loadable: Those of them that are not loaded yet and were not refused.
        serving: Versions that serve.

    Returns:
        The step and the version, or None when nothing is left to do.
    """
    unwanted = set(serving).difference(wanted)
    wanted_serves = len(unwanted) < len(serving)
    if unwanted and (not wanted or wanted_serves or len(unwanted) > 1):
        return "unload", min(unwanted)
    if loadable:
        return "load", max(loadable)
    return None
