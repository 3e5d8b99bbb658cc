"""Vertex AI's clients on a local server, by their public options and with a made-up token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import google.auth
import proto
import pytest
from google.cloud import aiplatform
from google.cloud.aiplatform import initializer
from google.cloud.aiplatform_v1 import types
from google.oauth2.credentials import Credentials
from google.protobuf import symbol_database

from tests.support.http_stand_in import HttpStandIn

PROJECT, REGION = "my-project", "europe-west4"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
TOKEN = "made-up"


@contextmanager
def vertex_stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStandIn]:
    """Starts a server, and turns Vertex AI's clients there: over REST, which needs no TLS."""
    _keep_classes()
    monkeypatch.setattr(google.auth, "default", lambda **_: (Credentials(TOKEN), None))
    # The options of `aiplatform.init` hold for the process: this puts them back afterwards.
    monkeypatch.setattr(initializer.global_config, "_api_endpoint", None)
    monkeypatch.setattr(initializer.global_config, "_api_transport", None)
    with HttpStandIn() as stand_in:
        point_to(stand_in.url)
        yield stand_in


def point_to(url: str, transport: str = "rest") -> None:
    aiplatform.init(api_endpoint=url, api_transport=transport)


def refusal(code: int, status: str, message: str) -> tuple[int, dict[str, object]]:
    """Returns an error as Google's services answer it."""
    return code, {"error": {"code": code, "status": status, "message": message}}


def _keep_classes() -> None:
    """Tells protobuf of proto-plus's classes.

    Else protobuf 3.20 makes new ones as soon as it reads an operation's answer from JSON, and
    proto-plus no longer knows the fields of what it receives. gRPC reads no JSON.
    """
    for kind in vars(types).values():
        if isinstance(kind, type) and issubclass(kind, proto.Message):
            symbol_database.Default().RegisterMessage(kind.pb())
