"""Whose fault it is that a request, or loading a model, failed."""

from __future__ import annotations

from typing import Final

# Answers of a server that is busy, out of memory or shutting down: the model may be fine.
TRANSIENT_CODES: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"}
)


class UnservableModelError(Exception):
    """The model can't be served, and the server is not to blame."""
