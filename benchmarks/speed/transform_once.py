"""Runs ExampleGen and Transform once, and prints when Transform ran."""

from __future__ import annotations

import time
from pathlib import Path

import click

from benchmarks.beam_nodes import Nodes
from benchmarks.speed.observe import print_interval
from pipeline.beam_settings import BeamSettings
from pipeline.config import load_config


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--profile", required=True)
@click.option("--max-tokens", type=int, required=True)
@click.option("--workers", type=int, required=True, help="Of the direct runner.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="An empty one.")
def main(data: Path, profile: str, max_tokens: int, workers: int, folder: Path) -> None:
    """Runs ExampleGen, then Transform, which is timed."""
    config = load_config(profile, [f"features.max_tokens={max_tokens}"])
    arguments = BeamSettings(workers=workers).pipeline_args()
    nodes = Nodes(config, data.parent, data.name, folder, arguments)
    nodes.run_example_gen()
    began = time.time()
    nodes.run_transform()
    print_interval(began, time.time())


if __name__ == "__main__":
    main()
