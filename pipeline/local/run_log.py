"""Which messages a run's log keeps: our own, and what libraries warn of, if it is of any use."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from absl import logging as absl_logging

_OWN: Final = tuple(f"{Path(__file__).parents[2] / room}/" for room in ("components", "pipeline"))
# What TFX and TensorFlow warn of in every run.
_NEEDLESS: Final = (
    "ArtifactQuery.property_predicate is not supported",
    "Fallback to non-ZetaSQL contexts execution query",
    "Could not find matching artifact class for type",
    "Examples artifact does not have payload_format",
    # The exported model has no gradients: nobody trains it further.
    "Importing a function",
    "Tables initialized inside a tf.function",
)


def configure_logging() -> None:
    """Sets up logging for a run, until the process ends."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    absl_logging.set_verbosity(absl_logging.INFO)
    logging.getLogger("absl").addFilter(_is_kept)


def _is_kept(record: logging.LogRecord) -> bool:
    if record.levelno < logging.WARNING:
        return record.pathname.startswith(_OWN)
    return not record.getMessage().startswith(_NEEDLESS)
