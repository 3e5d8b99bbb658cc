"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

_Option = Callable[[Callable[..., Any]], Callable[..., Any]]

SET: Final = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a setting, such as trainer.epochs=5 (repeatable).",
)
JSON: Final = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON object per line, for programs."
)
TOKEN_FILE: Final = click.option(
    "--token-file",
    "token",
    type=click.File(encoding="latin-1"),
    metavar="FILE",
    callback=lambda _, __, file: file and file.read(),
    help="File with the token of a server that asks for one.",
)
TLS_CA: Final = click.option(
    "--tls-ca",
    metavar="FILE",
    help="Speak TLS, and trust this PEM file of authorities; `public` is Mozilla's list of them.",
)
EXPLAIN: Final = click.option(
    "--explain", is_flag=True, help="Show which words speak for and against a TEXT's labels."
)


def folder(name: str, meaning: str) -> _Option:
    """Makes an option that names a folder: that of the last run, by default."""
    return click.option(
        name,
        type=click.Path(file_okay=False, path_type=Path),
        default="out",
        show_default=True,
        help=meaning,
    )


def profile(meaning: str, default: str | None = None) -> _Option:
    """Makes `--profile`; `meaning` says what the default is where it depends."""
    is_fixed = default is not None
    return click.option(
        "--profile", metavar="NAME_OR_YAML", default=default, show_default=is_fixed, help=meaning
    )


SERVING: Final = folder("--serving", "A serving folder, or the output folder of a run.")
