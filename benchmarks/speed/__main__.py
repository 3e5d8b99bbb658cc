"""Measures speed and memory, section by section, and writes the tables of what was found."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.speed.features import measure_features
from benchmarks.speed.growth import measure_growth
from benchmarks.speed.pipeline_run import measure_pipeline
from benchmarks.speed.served import measure_serving
from benchmarks.speed.tables import EXAMPLE_EPOCHS, write_page
from benchmarks.speed.training import measure_training

_SECTIONS: Final = ("training", "features", "pipeline", "serving", "growth")
_PACKAGES: Final = (
    *("tensorflow", "keras", "tfx", "tensorflow-transform", "tensorflow-model-analysis"),
    *("apache-beam", "scikit-learn", "numpy", "grpcio", "starlette", "uvicorn"),
)
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=_FILE, default="benchmarks/results/speed.json", show_default=True)
@click.option("--page", type=_FILE, default="benchmarks/README.md", show_default=True)
@click.option("--only", default=",".join(_SECTIONS), show_default=True, help="Sections.")
@click.option("--table", is_flag=True, help="Measure nothing, write the tables again.")
@click.option("--work", type=click.Path(path_type=Path), help="Folder that runs write to.")
@click.option("--example-epochs", default=EXAMPLE_EPOCHS, show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Rounds of what is short.")
@click.option("--serving-seconds", default=4.0, show_default=True, help="Length of a round.")
@click.option("--multiples", default="1,2,4,10", show_default=True, help="Of the rows.")
def main(
    data: Path | None,
    output: Path,
    page: Path,
    only: str,
    table: bool,
    work: Path | None,
    example_epochs: int,
    rounds: int,
    serving_seconds: float,
    multiples: str,
) -> None:
    """Measures speed and memory next to the Keras example and other tools.

    Sections that are not asked for keep their earlier figures in the output.
    """
    sections = only.split(",")
    if unknown := set(sections) - set(_SECTIONS):
        raise click.UsageError(f"There is no section {', '.join(sorted(unknown))}.")
    if not table:
        if data is None:
            raise click.UsageError("Name the file with --data.")
        sizes = _numbers(multiples)
        file = data.resolve()
        with tempfile.TemporaryDirectory() as temporary:
            folder = (work or Path(temporary)).resolve()
            measures: dict[str, tuple[str, Callable[[], Iterable[dict[str, Any]]]]] = {
                "training": (
                    f"--example-epochs {example_epochs}",
                    lambda: [measure_training(file, folder / "training", example_epochs)],
                ),
                "features": (
                    f"--rounds {rounds}",
                    lambda: [measure_features(file, folder / "features", rounds)],
                ),
                "pipeline": ("", lambda: [measure_pipeline(file, folder / "pipeline")]),
                "serving": (
                    f"--rounds {rounds} --serving-seconds {serving_seconds:g}",
                    lambda: [measure_serving(file, folder / "pipeline", rounds, serving_seconds)],
                ),
                "growth": (
                    f"--multiples {multiples}",
                    lambda: measure_growth(file, folder / "growth", sizes),
                ),
            }
            for name in sections:
                options, measure = measures[name]
                click.echo(f"{name} …", err=True)
                # A section that takes hours yields what it has so far.
                for found in measure():
                    _store(output, name, f"--data {data.name} --only {name} {options}", found)
    write_page(page, _load(output))


def _numbers(multiples: str) -> list[int]:
    try:
        return [int(multiple) for multiple in multiples.split(",")]
    except ValueError:
        raise click.UsageError("--multiples takes whole numbers, as in 1,2,4,10.") from None


def _load(output: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads(output.read_text("utf-8")) if output.exists() else {}
    return results


def _store(output: Path, name: str, arguments: str, found: dict[str, Any]) -> None:
    """Adds a section to the output, or replaces it there."""
    command = f"python -m benchmarks.speed {arguments}".rstrip()
    section = {"command": command, "machine": _describe_machine(), **found}
    results = {**_load(output), name: section}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


def _describe_machine() -> dict[str, object]:
    """Returns the processor, its cores, the memory, and the versions of the main packages."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "processor": next(models, platform.machine()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


if __name__ == "__main__":
    main()
