"""Lays what a person wants from a run beside the TFX artifacts, in the output folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from components.evaluator.results import read_figures
from pipeline.local.node_facts import served_model, was_measured
from pipeline.local.runner import NodeResult
from schema import names
from serving.model_metadata import ModelMetadata

METRICS_FILE: Final = "metrics.json"
_REPORT_FILES: Final = (names.REPORT_PAGE_FILE, names.REPORT_FILE, names.REPORT_LABELS_FILE)


def collect(results: Mapping[str, NodeResult], output: Path) -> dict[str, float]:
    """Writes `metrics.json`, `curation.json`, the dead letters, `plots/` and `report/`.

    Where the model was not measured there is no `metrics.json` and no table of labels: earlier
    ones would be taken for its own.

    Args:
        results: What became of each node.
        output: The output folder.

    Returns:
        The metrics on the test split; none where the model was not measured.
    """
    curation = Path(results["CsvExampleGen"].artifact("curation").uri)
    for name in (names.CURATION_FILE, names.DEAD_LETTERS_FILE):
        _write(output / name, (curation / name).read_bytes())
    plots = Path(results["Trainer"].artifact("model_run").uri) / names.PLOTS_DIR
    shutil.copytree(plots, output / names.PLOTS_DIR, dirs_exist_ok=True)
    _copy_report(Path(results["Report"].artifact("report").uri), output / names.REPORT_DIR)
    if not was_measured(results["Evaluator"]):
        (output / METRICS_FILE).unlink(missing_ok=True)
        return {}
    figures = read_figures(results["Evaluator"].artifact("evaluation").uri)
    metrics = {
        **figures,
        "examples": int(figures["examples"]),
        "threshold": ModelMetadata(served_model(results["Trainer"])).threshold,
    }
    _write(output / METRICS_FILE, (json.dumps(metrics, indent=2) + "\n").encode())
    return metrics


def _copy_report(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in _REPORT_FILES:
        if (source / name).exists():
            _write(target / name, (source / name).read_bytes())
        else:
            (target / name).unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Replaces a file whole, so that no reader sees half of it."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)
