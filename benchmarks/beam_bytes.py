"""Measures ExampleGen and Transform on multiples of a file: bytes, time and memory.

    python -m benchmarks.beam_bytes --data papers.csv.gz --multiples 0.25,0.5,1,2,4

A multiple over 1 repeats the rows under fresh titles, so that they are other papers with the same
words; one under 1 takes every so many rows, which shows how the number of n-grams grows.

    python -m benchmarks.beam_bytes --data papers.csv.gz --rows 10000 --workers 1,2

compares numbers of workers on the first rows.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import gzip
import json
import math
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final
from unittest import mock

import click

from benchmarks.machine import describe_machine

_FIELD_LIMIT: Final = 2**27
_TITLES: Final = "titles"
_WORTH_TELLING: Final = 20_000


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--multiples", default="1", show_default=True, help="Of the rows.")
@click.option("--rows", type=int, default=None, help="Only the first rows.")
@click.option("--workers", default="1", show_default=True, help="Of the direct runner.")
@click.option("--profile", default="default", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=None, help="A JSON file.")
def main(
    data: Path, multiples: str, rows: int | None, workers: str, profile: str, output: Path | None
) -> None:
    """Measures ExampleGen and Transform on multiples of a file: bytes, time and memory."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for multiple in map(float, multiples.split(",")):
            file = Path(folder) / "papers.csv"
            count = write_multiple(data, multiple, rows, file)
            for number in map(int, workers.split(",")):
                # A process of its own: its peak of memory is that of nothing else.
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    measured = pool.apply(measure, (file, profile, number))
                found.append(
                    {"multiple": multiple, "rows": count, "workers": number, "steps": measured}
                )
                _show(found[-1])
    if output is not None:
        result = {"machine": describe_machine(), "measured": found}
        output.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


def write_multiple(source: Path, multiple: float, rows: int | None, target: Path) -> int:
    """Writes a multiple of a CSV file's rows, and returns how many there are.

    Args:
        source: The file, gzipped or not.
        multiple: Over 1 a whole number of copies, each with titles of its own; under 1 a share.
        rows: The first rows that are taken; all where None.
        target: The new file.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    copies = max(math.ceil(multiple), 1)
    share = min(multiple, 1.0)
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for copy in range(copies):
            with _open(source) as read:
                records = csv.reader(read)
                header = next(records)
                title = header.index(_TITLES)
                if copy == 0:
                    writer.writerow(header)
                for number, record in enumerate(records):
                    if rows is not None and number >= rows:
                        break
                    # Evenly spread: the file may be sorted.
                    if math.floor((number + 1) * share) == math.floor(number * share):
                        continue
                    if copy:
                        record[title] += f" [{copy}]"
                    writer.writerow(record)
                    count += 1
    return count


def measure(file: Path, profile: str, workers: int) -> dict[str, Any]:
    """Runs both components in this process and its workers.

    Args:
        file: The CSV file.
        profile: The settings.
        workers: Workers of the direct runner.

    Returns:
        For each component: seconds of wall and processor time, the peak of memory so far in
        bytes (of this process), and what passed between its stages. `ngrams`: how many different
        ones the analysis met, where there is one worker.
    """
    from benchmarks.beam_nodes import Nodes
    from benchmarks.beam_tally import tally
    from pipeline.beam_settings import BeamSettings
    from pipeline.config import load_config

    arguments = BeamSettings(workers=workers).pipeline_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        nodes = Nodes(load_config(profile), file.parent, file.name, Path(folder), arguments)
        steps: dict[str, Callable[[], None]] = {
            "example_gen": nodes.run_example_gen,
            "transform": nodes.run_transform,
        }
        for name, run in steps.items():
            wall, processor = time.monotonic(), _processor_seconds()
            with tally() as passages, _count_ngrams() as ngrams:
                run()
            found[name] = {
                "seconds": round(time.monotonic() - wall, 1),
                "processor_seconds": round(_processor_seconds() - processor, 1),
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "passages": [
                    dataclasses.asdict(each) for each in passages if each.bytes >= _WORTH_TELLING
                ],
            }
        found["ngrams"] = sum(ngrams)
        for name, artifact in (("examples", nodes.examples), ("transformed", nodes.transformed)):
            files = [file for each in nodes.split_files(artifact).values() for file in each]
            found[name] = {"bytes": sum(file.stat().st_size for file in files)}
    return found


@contextlib.contextmanager
def _count_ngrams() -> Iterator[list[int]]:
    """Counts the n-grams of each part of the vocabulary before the rare ones are dropped."""
    from components.transform.vocabulary import MergeCounts

    extract = MergeCounts.extract_output
    sizes: list[int] = []

    def extract_counted(self: MergeCounts, accumulator: list[Any]) -> Any:
        (merged,) = self.compact(accumulator) or [None]
        sizes.append(0 if merged is None else merged.num_rows)
        return extract(self, [] if merged is None else [merged])

    with mock.patch.object(MergeCounts, "extract_output", extract_counted):
        yield sizes


def _processor_seconds() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _show(found: dict[str, Any]) -> None:
    click.echo(f"{found['multiple']:g} x, {found['rows']:,} rows, {found['workers']} workers")
    for line in _lines(found["steps"]):
        click.echo(f"  {line}")


def _lines(steps: dict[str, Any]) -> Iterator[str]:
    for name in ("example_gen", "transform"):
        step = steps[name]
        yield (
            f"{name}: {step['seconds']} s, {step['processor_seconds']} s of processor, "
            f"peak {step['peak_bytes'] / 2**20:,.0f} MiB"
        )
        for passage in sorted(step["passages"], key=lambda each: -each["bytes"]):
            kind = "shuffle" if passage["shuffle"] else "handed on"
            yield (
                f"  {passage['bytes']:>13,} bytes {kind}, {passage['elements']:,} elements, "
                f"{passage['keys']:,} keys, largest {passage['largest']:,}: "
                f"{passage['name']}"
            )
    yield f"{steps['ngrams']:,} different n-grams"
    for name in ("examples", "transformed"):
        yield f"{name}: {steps[name]['bytes']:,} bytes on disk"


if __name__ == "__main__":
    main()
