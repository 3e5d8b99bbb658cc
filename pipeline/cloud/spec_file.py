"""The file of a compiled pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from schema.errors import BadInputError, UsageError

_Notation = Callable[[Any], str]


def _to_json(spec: Any) -> str:
    return json.dumps(spec, indent=2, sort_keys=True) + "\n"


def _to_yaml(spec: Any) -> str:
    return yaml.safe_dump(spec, sort_keys=True)


_NOTATIONS: Final[Mapping[str, _Notation]] = {
    ".json": _to_json,
    ".yaml": _to_yaml,
    ".yml": _to_yaml,
}


def notation(path: Path) -> _Notation:
    """Returns how a file of this name is written: by its end, .json, .yaml or .yml.

    Raises:
        UsageError: The name ends otherwise.
    """
    try:
        return _NOTATIONS[path.suffix]
    except KeyError:
        raise UsageError(f"--output {path} must end in .json, .yaml or .yml.") from None


def write_spec(spec: Mapping[str, Any], path: Path) -> None:
    """Writes a compiled pipeline; the same one gives the same bytes.

    Raises:
        UsageError: The name ends in nothing that is known.
        BadInputError: The file can't be written.
    """
    text = notation(path)(spec)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise BadInputError(
            f"Can't write to {path}: {error.strerror}. Choose another --output file."
        ) from error
