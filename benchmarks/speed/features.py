"""Section `features`: Transform compared with other tools for TF-IDF features."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.observe import observe, observe_phases
from pipeline.config import load_config

# About as many as the Keras example's page shows. On the arXiv file its rule gives more.
_MAX_TOKENS: Final = 153_000
_WORKERS: Final = (1, 2)
# Longer runs are measured once.
_SHORT_SECONDS: Final = 30.0

Phases = dict[str, dict[str, float]]


def measure_features(data: Path, work: Path, rounds: int) -> dict[str, Any]:
    """Computes the features of all papers, with each tool in a fresh process.

    Args:
        data: The CSV file.
        work: Working folder; its contents are deleted.
        rounds: Rounds of runs under 30 seconds; the median one counts.

    Returns:
        `papers` by split, and `measured`: for each tool and number of workers its vocabulary's
        size, its rounds, and the phases `analysis`, `materialization` and `all`.

    Raises:
        CommandError: A process failed.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    texts = work / "texts.json"
    module = [sys.executable, "-m", "benchmarks.splits"]
    observe([*module, "--data", str(data), "--output", str(texts)])
    splits = json.loads(texts.read_text("utf-8"))
    default_size = load_config("default").features.max_tokens
    runs: list[tuple[str, int, int, list[str]]] = []
    for profile, size in (("keras_example", _MAX_TOKENS), ("default", default_size)):
        for workers in _WORKERS:
            options = ["--data", str(data), "--profile", profile, "--folder", str(work / "nodes")]
            module = ["transform_once", *options, "--workers", str(workers)]
            runs.append((f"Transform, {profile}", size, workers, module))
    for name, tool in (("TextVectorization", "keras"), ("TfidfVectorizer", "sklearn")):
        module = ["vectorizers_once", "--texts", str(texts), "--tool", tool]
        runs.append((name, _MAX_TOKENS, 1, module))
    measured = []
    for name, size, workers, (module_name, *options) in runs:
        command = [sys.executable, "-m", f"benchmarks.speed.{module_name}", *options]
        found = _repeat([*command, "--max-tokens", str(size)], rounds, work / "nodes")
        of_run = {"name": name, "max_tokens": size, "workers": workers, "rounds": len(found)}
        measured.append({**of_run, "phases": found[len(found) // 2]})
    papers = {name: len(of_split) for name, of_split in splits.items()}
    return {"papers": papers, "measured": measured}


def _repeat(command: Sequence[str], rounds: int, folder: Path) -> list[Phases]:
    """Runs a command once, or as often as asked where that is short; each time without a folder.

    Returns:
        What it found, the quickest round first.
    """
    found: list[Phases] = []
    while not found or (len(found) < rounds and found[0]["all"]["seconds"] < _SHORT_SECONDS):
        shutil.rmtree(folder, ignore_errors=True)
        found.append(observe_phases(command))
    return sorted(found, key=lambda phases: phases["all"]["seconds"])
