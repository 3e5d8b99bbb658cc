"""Artifacts of TFX for an executor to read or to fill."""

from __future__ import annotations

from pathlib import Path

from tfx import types


def make_artifact(kind: type[types.Artifact], uri: Path, **properties: int) -> types.Artifact:
    """An artifact with custom properties, in a folder that is made where it is missing."""
    uri.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri = str(uri)
    for name, value in properties.items():
        made.set_int_custom_property(name, value)
    return made
