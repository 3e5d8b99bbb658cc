"""Runs Transform once, and prints how long it analysed and how long it wrote.

Beam runs a pipeline as bundles of fused transforms, one after another. The bundles that write
transformed papers are recognized by the name that TFX gives to writing.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import click
from apache_beam.runners.portability.fn_api_runner import fn_runner

from benchmarks.beam_nodes import Nodes
from benchmarks.speed.observe import Interval, print_phases
from pipeline.beam_settings import BeamSettings
from pipeline.config import load_config

_WRITES: Final = "EncodeAndWrite["


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--profile", required=True)
@click.option("--max-tokens", type=int, required=True)
@click.option("--workers", type=int, required=True, help="Of the direct runner.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="An empty one.")
def main(data: Path, profile: str, max_tokens: int, workers: int, folder: Path) -> None:
    """Runs ExampleGen, then Transform, and prints the phases of Transform."""
    config = load_config(profile, [f"features.max_tokens={max_tokens}"])
    arguments = BeamSettings(workers=workers).pipeline_args()
    nodes = Nodes(config, data.parent, data.name, folder, arguments)
    nodes.run_example_gen()
    began = time.time()
    with _materialization() as materialization:
        nodes.run_transform()
    ended = time.time()
    print_phases(
        {
            "analysis": _gaps(materialization, (began, ended)),
            "materialization": materialization,
            "all": [(began, ended)],
        }
    )


@contextlib.contextmanager
def _materialization() -> Iterator[list[Interval]]:
    """Yields the intervals in which Beam's local runner transforms papers and writes them."""
    execute = fn_runner.FnApiRunner._execute_bundle
    found: list[Interval] = []

    def execute_timed(self: Any, context: Any, manager: Any, given: Any) -> Any:
        began = time.time()
        done = execute(self, context, manager, given)
        if any(_WRITES in each.unique_name for each in manager.stage.transforms):
            found.append((began, time.time()))
        return done

    with mock.patch.object(fn_runner.FnApiRunner, "_execute_bundle", execute_timed):
        yield found


def _gaps(intervals: list[Interval], whole: Interval) -> list[Interval]:
    """Returns the rest of the whole between ascending intervals."""
    begins = [whole[0], *(end for _, end in intervals)]
    ends = [*(begin for begin, _ in intervals), whole[1]]
    return list(zip(begins, ends, strict=True))


if __name__ == "__main__":
    main()
