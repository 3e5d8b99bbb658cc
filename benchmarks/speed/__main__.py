"""Measures speed and memory, section by section, and writes the tables of what was found."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.speed.features import measure_features
from benchmarks.speed.pipeline_run import measure_pipeline
from benchmarks.speed.tables import EXAMPLE_EPOCHS, write_page
from benchmarks.speed.training import measure_training

_SECTIONS: Final = ("training", "features", "pipeline")
_OUTPUT: Final = Path("benchmarks/results/speed.json")
_PAGE: Final = Path("benchmarks/README.md")
_PACKAGES: Final = (
    *("tensorflow", "keras", "tfx", "tensorflow-transform", "tensorflow-model-analysis"),
    *("apache-beam", "scikit-learn", "numpy", "grpcio", "starlette", "uvicorn"),
)


@click.command()
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--only", default=",".join(_SECTIONS), show_default=True, help="Sections.")
@click.option("--table", is_flag=True, help="Measure nothing, write the tables again.")
@click.option("--example-epochs", default=EXAMPLE_EPOCHS, show_default=True)
def main(data: Path | None, only: str, table: bool, example_epochs: int) -> None:
    """Measures speed and memory next to the Keras example and other tools.

    Sections that are not asked for keep their earlier figures.
    """
    sections = only.split(",")
    if unknown := set(sections) - set(_SECTIONS):
        raise click.UsageError(f"There is no section {', '.join(sorted(unknown))}.")
    if not table:
        if data is None:
            raise click.UsageError("Name the file with --data.")
        file = data.resolve()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            measures: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
                "training": partial(measure_training, timed=example_epochs),
                "features": measure_features,
                "pipeline": measure_pipeline,
            }
            for name in sections:
                click.echo(f"{name} …", err=True)
                options = f" --example-epochs {example_epochs}" if name == "training" else ""
                found = measures[name](file, folder / name)
                _store(name, f"--data {data.name} --only {name}{options}", found)
    write_page(_PAGE, _load())


def _load() -> dict[str, Any]:
    results: dict[str, Any] = json.loads(_OUTPUT.read_text("utf-8"))
    return results


def _store(name: str, arguments: str, found: dict[str, Any]) -> None:
    """Replaces the figures of a section."""
    command = f"python -m benchmarks.speed {arguments}"
    section = {"command": command, "machine": _describe_machine(), **found}
    _OUTPUT.write_text(json.dumps({**_load(), name: section}, indent=2) + "\n", "utf-8")


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
