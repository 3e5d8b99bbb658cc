"""Writes the abstracts of each split as JSON, in a process of its own.

What curates and splits them imports TensorFlow, which has no place in those that read the file.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from benchmarks.quality.splits import read_splits


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
def main(data: Path, output: Path) -> None:
    """Writes a JSON object: a list of abstracts for each split."""
    splits = read_splits(data, seed=0)
    texts = {name: [paper.abstract for paper in papers] for name, papers in splits.items()}
    output.write_text(json.dumps(texts), "utf-8")


if __name__ == "__main__":
    main()
