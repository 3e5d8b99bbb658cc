"""Whose fault it is that a request, or the load of a model, failed."""

from __future__ import annotations

from typing import Final

# What a busy, full or stopping machine answers: the model may be well.
PASSING_CODES: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"}
)


class ModelFault(Exception):  # noqa: N818 - a verdict on the model, not an error of this program.
    """The server is well, and the model can't be served; the message is in the server's words."""
