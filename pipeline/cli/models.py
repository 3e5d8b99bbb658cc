"""`arxiv-tagger models`: the pushed versions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.terminal import Terminal
from serving.releases import list_versions
from serving.versions import find_base

# The metrics of a version that the table has room for.
_SHOWN: Final = ("micro_f1", "lrap")


@click.command()
@options.SERVING
@options.JSON
@report_errors
def models(serving: Path, as_json: bool) -> None:
    """List the pushed versions and their metrics, newest first."""
    base = find_base(serving)
    versions = list_versions(base)
    if as_json:
        for each in versions:
            row = {
                "version": each.number,
                "pushed": each.pushed.isoformat(),
                "labels": list(each.labels),
                "size": each.size,
                "test": each.test,
                "validation": each.validation,
                "path": str(each.path),
            }
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Version", "Pushed", "Labels", "Split", *_SHOWN, "Size"):
        is_number = heading in (*_SHOWN, "Size")
        table.add_column(
            heading, justify="right" if is_number else "left", no_wrap=heading != "Labels"
        )
    for each in versions:
        split, metrics = ("test", each.test) if each.test else ("validation", each.validation)
        table.add_row(
            str(each.number),
            f"{each.pushed.astimezone():%Y-%m-%d %H:%M}",
            ", ".join(each.labels),
            split if metrics else "",
            *(f"{metrics[name]:.4f}" if name in metrics else "" for name in _SHOWN),
            f"{each.size / 1e6:,.1f} MB",
        )
    Terminal().print(table)
