"""Settings of the check that a candidate can be served."""

from __future__ import annotations

from pydantic import Field

from schema import names
from schema.settings import Settings


class InfraSettings(Settings):
    """How InfraValidator tries a candidate on a real model server.

    Attributes:
        examples: Number of validation papers that the server is asked about, at once.
        start_timeout_seconds: Seconds the server may take to start and load the model.
        request_timeout_seconds: Seconds the server may take to answer one request.
    """

    examples: int = Field(default=16, ge=1, le=names.MOST_EXPLAINED)
    start_timeout_seconds: float = Field(default=180.0, gt=0)
    request_timeout_seconds: float = Field(default=30.0, gt=0)
