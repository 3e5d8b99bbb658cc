"""Section `features`: Transform compared with other tools for TF-IDF features."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.speed.observe import observe, observe_interval
from pipeline.config import load_config

# About as many as the Keras example's page shows. On the arXiv file its rule gives more.
_MAX_TOKENS: Final = 153_000
_WORKERS: Final = (1, 2)


def measure_features(data: Path, work: Path) -> dict[str, Any]:
    """Computes the features of all papers, with each tool in a fresh process.

    Args:
        data: The CSV file.
        work: An empty working folder.

    Returns:
        `papers` by split, and `measured`: for each tool and number of workers its vocabulary's
        size, `seconds` and `peak_bytes`.
    """
    work.mkdir()
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
        shutil.rmtree(work / "nodes", ignore_errors=True)
        found = observe_interval([*command, "--max-tokens", str(size)])
        measured.append({"name": name, "max_tokens": size, "workers": workers, **found})
    papers = {name: len(of_split) for name, of_split in splits.items()}
    return {"papers": papers, "measured": measured}
