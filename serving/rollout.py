"""Releases versions on running servers (TF Serving's `ModelService`): all follow, or none does."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import grpc

from schema import names
from schema.errors import RefusedError, TaggerError, UsageError
from serving.client.grpc_transport import open_channel
from serving.client.transport import Access, check_address
from serving.models_config import config_path_of, read_config, tagger_config, write_text
from serving.protos import load_messages
from serving.releases import Release, write_release

_POLL_SECONDS: Final = 0.5
# State in TF Serving's get_model_status.proto.
_AVAILABLE: Final = 30

_messages: Final = load_messages("model_service")


def roll_out(
    base: Path,
    stable: int,
    canary: int | None,
    base_path: str | None,
    addresses: Sequence[str],
    access: Access,
    timeout: float,
    say: Callable[[str], object],
) -> Release:
    """Has servers load versions, then moves the labels; see `write_release`.

    A step is in `models.config` before the servers hear of it: one that polls the file would go
    back to what stands there. If a step fails, file and servers get back what they had.

    Args:
        base: The serving directory.
        stable: The version for `stable`.
        canary: The version for `canary`, if any.
        base_path: The serving directory as the servers see it.
        addresses: HOST:PORT of each server's gRPC API.
        access: What the servers want.
        timeout: Seconds that a server may take to load the versions.
        say: Tells a person how far it is.

    Raises:
        RefusedError: A server refuses the configuration or can't load a version.
        TaggerError: There is no server, it took too long, or `write_release` refuses.
    """
    path = config_path_of(base)
    before = path.read_text(encoding="utf-8") if path.exists() else None
    wanted = {stable} if canary is None else {stable, canary}
    versions = ", ".join(map(str, sorted(wanted)))
    with ExitStack() as stack:
        servers = [_Server(address, access, stack, timeout) for address in addresses]
        try:
            write_release(base, stable, canary, base_path, load_only=True)
            for server in servers:
                say(f"Waiting for {server.address} to load {versions}; its log says if it can't …")
                server.reload(read_config(path))
                server.wait_until_available(wanted)
            done = write_release(base, stable, canary, base_path)
            for server in servers:
                server.reload(read_config(path))
        except BaseException:
            config = _put_back(path, before)
            for server in servers:
                try:
                    if server.has_changed:
                        server.reload(config)
                except TaggerError as error:
                    say(f"{error} It may keep what it had so far of the release.")
            raise
    return done


def _put_back(path: Path, before: str | None) -> Any:
    """Writes the old file, and returns the configuration of a server that had it."""
    config = read_config(path)
    if before is not None:
        write_text(path, before)
        return read_config(path)
    # Without one it serves the newest version.
    path.unlink(missing_ok=True)
    tagger_config(config).ClearField("model_version_policy")
    tagger_config(config).ClearField("version_labels")
    return config


class _Server:
    """A connection to a server; `has_changed` says whether it may have taken a configuration."""

    def __init__(self, address: str, access: Access, stack: ExitStack, timeout: float) -> None:
        self.address = check_address(address)
        self.has_changed = False
        self._channel = stack.enter_context(open_channel(address, access))
        self._access = access
        self._timeout = timeout

    def reload(self, config: Any) -> None:
        request = _messages["ReloadConfigRequest"](config=config)
        # It refuses labels of versions that it has not loaded; after a restart these may be more.
        there = {each.version for each in self._statuses() if each.state == _AVAILABLE}
        labels = tagger_config(request.config).version_labels
        for label in [label for label, version in labels.items() if version not in there]:
            del labels[label]
        self.has_changed = True
        self._call("HandleReloadConfigRequest", request, "ReloadConfigResponse")

    def wait_until_available(self, versions: Collection[int]) -> None:
        end = time.monotonic() + self._timeout
        missing = set(versions)
        while missing:
            if time.monotonic() > end:
                raise TaggerError(
                    f"The server at {self.address} has not loaded version "
                    f"{', '.join(map(str, sorted(missing)))} in {self._timeout:g} s. Its log says "
                    "why: it doesn't find the files in the --base-path, or can't load them, or "
                    "those of a version before, which it tries again for minutes."
                )
            # First, since a failure from before the reload is told until loading begins.
            time.sleep(_POLL_SECONDS)
            for each in self._statuses():
                if each.version in missing and (reason := each.status.error_message.rstrip(".")):
                    raise RefusedError(
                        f"The server at {self.address} can't load version {each.version}: {reason}."
                    )
                if each.state == _AVAILABLE:
                    missing.discard(each.version)

    def _statuses(self) -> Any:
        request = _messages["GetModelStatusRequest"](model_spec={"name": names.MODEL_NAME})
        return self._call("GetModelStatus", request, "GetModelStatusResponse").model_version_status

    def _call(self, method: str, request: Any, answer: str) -> Any:
        try:
            return self._channel.unary_unary(
                f"/tensorflow.serving.ModelService/{method}",
                request_serializer=type(request).SerializeToString,
                response_deserializer=_messages[answer].FromString,
            )(request, timeout=self._timeout, metadata=self._access.headers)
        except grpc.RpcError as error:
            said = (error.details() or error.code().name).rstrip(".")
            if error.code() is grpc.StatusCode.NOT_FOUND and method == "GetModelStatus":
                return _messages[answer]()
            if error.code() is grpc.StatusCode.UNAVAILABLE:
                self.has_changed = False
                raise TaggerError(
                    f"No model server's gRPC API answers at {self.address}: {said}. Check "
                    "--address; gRPC is usually at port 8500. With TLS it needs --tls-ca."
                ) from error
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                self.has_changed = False
                raise UsageError(f"{self.address}: {said}. {self._access.token_remedy}") from error
            raise RefusedError(
                f"The server at {self.address} refuses the configuration: {said}."
            ) from error
