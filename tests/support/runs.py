"""Runs the command line as a person does, and reads what TFX recorded about it."""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL_DIR = Path("serving") / "arxiv_tagger"

# A model that is trained in seconds and passes its gate.
QUICK = (
    "features.max_tokens=3000",
    "trainer.hidden_units=[64]",
    "trainer.epochs=4",
    "gate.floors={micro_f1: 0.2}",
    "gate.max_drop={}",
)


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    output: str

    def __contains__(self, text: str) -> bool:
        return text in " ".join(self.output.split())


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "pipeline", *map(str, arguments)]


def environment(root: Path = REPOSITORY) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "160"}


def tagger(*arguments: object, root: Path = REPOSITORY) -> Run:
    """Runs `arxiv-tagger`, with the code in `root`."""
    done = subprocess.run(
        command(*arguments), cwd=root, env=environment(root), capture_output=True, text=True
    )
    return Run(done.returncode, done.stdout + done.stderr)


def run_arguments(data: Path, output: Path, *settings: str) -> list[object]:
    chosen = [part for setting in (*QUICK, *settings) for part in ("--set", setting)]
    return ["run", "--data", data, "--profile", "sample", "--output", output, *chosen]


def run_pipeline(data: Path, output: Path, *settings: str, root: Path = REPOSITORY) -> Run:
    """Runs the pipeline with quick settings, changed by `settings`."""
    return tagger(*run_arguments(data, output, *settings), root=root)


def copy_code(target: Path) -> Path:
    """Copies the packages, for a test that edits them."""
    for room in ("schema", "serving", "components", "pipeline"):
        shutil.copytree(
            REPOSITORY / room, target / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    return target


def executions(output: Path) -> dict[str, collections.Counter[str]]:
    """Counts the executions of each node by state."""
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(output / "metadata" / "metadata.sqlite")
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    store = metadata_store.MetadataStore(config)
    types = {each.id: each.name.rpartition(".")[2] for each in store.get_execution_types()}
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for execution in store.get_executions():
        state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
        counts[types[execution.type_id]][state] += 1
    return counts


def versions(output: Path) -> list[Path]:
    """Returns the pushed versions; everything else in the serving folder is an error."""
    base = output / MODEL_DIR
    found = sorted(base.iterdir()) if base.is_dir() else []
    assert all(entry.name.isdigit() for entry in found), found
    return found
