"""`arxiv-tagger sample`: a CSV file of invented papers."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.errors import report_errors
from pipeline.sample.generator import DEFAULT_ROWS, DEFAULT_SEED, write_sample
from schema.text import visible


@click.command()
@click.option(
    "--rows", type=click.IntRange(1), default=DEFAULT_ROWS, show_default=True, help="Rows to write."
)
@click.option(
    "--seed", type=click.IntRange(0), default=DEFAULT_SEED, show_default=True, help="Random seed."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file, .csv or .csv.gz.",
)
@report_errors
def sample(rows: int, seed: int, output: Path) -> None:
    """Write a CSV file of invented papers, as noisy as a real one."""
    path = write_sample(rows, seed, output)
    click.echo(f"{rows:,} rows, seed {seed}: {visible(str(path))}")
