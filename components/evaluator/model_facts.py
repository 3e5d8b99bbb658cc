"""What the Evaluator has to know of a SavedModel beyond its answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tfx.dsl.io import fileio

from components.labels import threshold_choice
from schema import names
from schema.text import decode_text


def read_vocabulary(saved_model: str) -> list[str]:
    """Reads a model's labels in the order of its outputs, most frequent in training first.

    Args:
        saved_model: The folder of the SavedModel.
    """
    lines = _read(saved_model, "assets", names.LABEL_VOCABULARY)
    return [line for line in decode_text(lines).split("\n") if line]


def read_info(saved_model: str) -> dict[str, Any]:
    """Reads a model's `model_info.json`.

    Args:
        saved_model: The folder of the SavedModel.
    """
    info: dict[str, Any] = json.loads(
        _read(saved_model, names.EXTRA_ASSETS_DIR, names.MODEL_INFO_FILE)
    )
    return info


def read_thresholds(saved_model: str, vocabulary: Sequence[str]) -> list[float]:
    """Reads from which probability on a model suggests each label of its vocabulary.

    Args:
        saved_model: The folder of the SavedModel.
        vocabulary: Its labels.
    """
    info = read_info(saved_model)
    thresholds: list[float] = threshold_choice.read_thresholds(info, vocabulary).tolist()
    return thresholds


def _read(*path: str) -> bytes:
    with fileio.open("/".join(path), "rb") as file:
        content: bytes = file.read()
    return content
