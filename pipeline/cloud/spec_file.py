"""The file of a compiled pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from schema.errors import BadInputError, UsageError

_SUFFIXES: Final = (".json", ".yaml", ".yml")


def check_name(path: Path) -> None:
    """Refuses a name that ends neither in .json nor in .yaml or .yml.

    Raises:
        UsageError: It does not.
    """
    if path.suffix not in _SUFFIXES:
        raise UsageError(f"--output {path} must end in .json, .yaml or .yml.")


def write_spec(spec: Mapping[str, Any], path: Path) -> None:
    """Writes a compiled pipeline as JSON or YAML; equal ones give equal bytes.

    Raises:
        BadInputError: The file can't be written.
    """
    if path.suffix == ".json":
        text = json.dumps(spec, indent=2, sort_keys=True) + "\n"
    else:
        text = yaml.safe_dump(spec, sort_keys=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise BadInputError(
            f"Can't write to {path}: {error.strerror}. Choose another --output file."
        ) from error
