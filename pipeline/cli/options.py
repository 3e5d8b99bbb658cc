"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

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
SERVING: Final = click.option(
    "--serving",
    type=click.Path(file_okay=False, path_type=Path),
    default="out",
    show_default=True,
    help="A serving folder, or the output folder of a run.",
)
