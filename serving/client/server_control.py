"""Tells a running model server which versions to serve (TF Serving's `ModelService`)."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, Final

import grpc

from schema import names
from schema.errors import RefusedError, TaggerError
from serving.client.grpc_transport import open_channel
from serving.client.transport import check_address
from serving.protos import load_messages

_POLL_SECONDS: Final = 0.5
_STATUS_SECONDS: Final = 10.0
# After a reload a version that failed before may be tried again, but not later than this.
_RETRY_SECONDS: Final = 2.0
# State in TF Serving's get_model_status.proto.
_AVAILABLE: Final = 30

_messages: Final = load_messages("model_service")


class ServerControl:
    """A connection to one server.

    Args:
        address: HOST:PORT of its gRPC API.

    Attributes:
        was_changed: Whether a configuration was handed over.

    Raises:
        UsageError: `address` is not HOST:PORT.
    """

    def __init__(self, address: str) -> None:
        self.address = check_address(address)
        self.was_changed = False
        self._channel = open_channel(address)

    def __enter__(self) -> ServerControl:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def load(self, config: Any, versions: Collection[int], timeout: float) -> None:
        """Hands over a ModelServerConfig, and returns once given versions of it are loaded.

        Raises:
            RefusedError: The server takes no such configuration, or can't load a version.
            TaggerError: There is no server, or it took too long.
        """
        end = time.monotonic() + timeout
        before = self._statuses()
        self.reload(config, timeout)
        tried_again = time.monotonic() + _RETRY_SECONDS
        while True:
            statuses = self._statuses()
            missing = []
            for version in sorted(versions):
                status = statuses.get(version, _messages["ModelVersionStatus"]())
                reason = status.status.error_message
                is_old = status == before.get(version) and time.monotonic() < tried_again
                if reason and not is_old:
                    raise RefusedError(
                        f"The server at {self.address} can't load version {version}: "
                        f"{reason.rstrip('.')}."
                    )
                if status.state != _AVAILABLE:
                    missing.append(str(version))
            if not missing:
                return
            if time.monotonic() > end:
                raise TaggerError(
                    f"The server at {self.address} has not loaded version {', '.join(missing)} in "
                    f"{timeout:g} s. Look into its log: it must find the versions in --base-path."
                )
            time.sleep(_POLL_SECONDS)

    def reload(self, config: Any, timeout: float) -> None:
        """Hands over a ModelServerConfig, which takes the place of the server's; see `load`."""
        self.was_changed = True
        request = _messages["ReloadConfigRequest"](config=config)
        try:
            self._call("HandleReloadConfigRequest", request, "ReloadConfigResponse", timeout)
        except grpc.RpcError as error:
            raise RefusedError(
                f"The server at {self.address} refuses the configuration: "
                f"{error.details() or error.code().name}."
            ) from error

    def _statuses(self) -> dict[int, Any]:
        request = _messages["GetModelStatusRequest"]()
        request.model_spec.name = names.MODEL_NAME
        try:
            answer = self._call(
                "GetModelStatus", request, "GetModelStatusResponse", _STATUS_SECONDS
            )
        except grpc.RpcError as error:
            # It does not know the model yet, or is busy loading it.
            if error.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.DEADLINE_EXCEEDED):
                return {}
            raise TaggerError(
                f"No model server's gRPC API answers at {self.address}: "
                f"{error.details() or error.code().name}. Check --address; gRPC is usually at "
                "port 8500."
            ) from error
        return {each.version: each for each in answer.model_version_status}

    def _call(self, method: str, request: Any, answer: str, timeout: float) -> Any:
        return self._channel.unary_unary(
            f"/tensorflow.serving.ModelService/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=_messages[answer].FromString,
        )(request, timeout=timeout)
