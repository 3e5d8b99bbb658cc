"""Settings of the check that a candidate can be served."""

from __future__ import annotations

from pydantic import Field

from schema.settings import Settings


class InfraSettings(Settings):
    """How a candidate is tried on a real server.

    Attributes:
        examples: Papers of the validation split that requests are made from.
        start_timeout_seconds: How long the server may take to have the model available.
        request_timeout_seconds: How long each answer may take.
    """

    examples: int = Field(default=16, ge=1)
    start_timeout_seconds: float = Field(default=180.0, gt=0)
    request_timeout_seconds: float = Field(default=30.0, gt=0)
