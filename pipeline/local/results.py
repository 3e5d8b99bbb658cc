"""What nodes left: read for a person, and laid beside the TFX artifacts in the output folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipeline.local.output_folder import OutputFolder
from schema import names
from schema.errors import UsageError
from serving.model_metadata import ModelMetadata

METRICS_FILE: Final = "metrics.json"
SERVED_MODEL_DIR: Final = "Format-Serving"
_REPORT_FILES: Final = (names.REPORT_PAGE_FILE, names.REPORT_FILE, names.REPORT_LABELS_FILE)


@dataclass(frozen=True)
class NodeResult:
    """What became of a node.

    Attributes:
        node_id: The id of the component.
        seconds: How long it took.
        cached: Whether an earlier run's outputs were taken.
        outputs: Its output artifacts by key.
    """

    node_id: str
    seconds: float
    cached: bool
    outputs: dict[str, list[Any]] = field(default_factory=dict)

    def artifact(self, key: str) -> Any:
        """Returns the one artifact of an output."""
        (artifact,) = self.outputs[key]
        return artifact

    def folder(self, key: str) -> Path:
        """Returns the folder of the one artifact of an output."""
        return Path(self.artifact(key).uri)


def is_blessed(evaluator: NodeResult) -> bool:
    """Tells whether the gate let the model pass."""
    return bool(evaluator.artifact("blessing").get_int_custom_property("blessed"))


def was_measured(evaluator: NodeResult) -> bool:
    """Tells whether the model was evaluated: one that can't be served is not."""
    return not (evaluator.folder("evaluation") / names.NOT_EVALUATED_FILE).exists()


def infra_report(infra_validator: NodeResult) -> Any:
    """Reads the result of each check on a server."""
    return read_json(infra_validator.folder("blessing") / names.INFRA_REPORT_FILE)


def served_model(trainer: NodeResult) -> Path:
    """Returns the folder of the SavedModel that Trainer exported."""
    return trainer.folder("model") / SERVED_MODEL_DIR


def held_out_papers(folder: OutputFolder) -> list[Path]:
    """Returns the folders of the validation and the test papers of the last run.

    Raises:
        UsageError: The folder holds none.
    """
    runs = folder.pipeline_root.glob("CsvExampleGen/examples/*")
    for last in sorted(runs, key=lambda path: int(path.name), reverse=True)[:1]:
        return [last / f"Split-{split}" for split in (names.VALIDATION, names.TEST)]
    raise UsageError(
        f"{folder.pipeline_root} holds no papers of a run. Give the output folder of one, or name "
        "texts to compare with by --reference."
    )


def read_json(path: Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text("utf-8"))


def collect(nodes: Mapping[str, NodeResult], output: Path) -> dict[str, float]:
    """Writes `metrics.json`, `curation.json`, the dead letters, `plots/` and `report/`.

    Where the model was not measured there is no `metrics.json` and no table of labels: earlier
    ones would be taken for its own.

    Args:
        nodes: What became of each node.
        output: The output folder.

    Returns:
        The metrics on the test split; none where the model was not measured.
    """
    curation = nodes["CsvExampleGen"].folder("curation")
    for name in (names.CURATION_FILE, names.DEAD_LETTERS_FILE):
        _replace(output / name, (curation / name).read_bytes())
    plots = nodes["Trainer"].folder("model_run") / names.PLOTS_DIR
    shutil.copytree(plots, output / names.PLOTS_DIR, dirs_exist_ok=True)
    _copy_report(nodes["Report"].folder("report"), output / names.REPORT_DIR)
    if not was_measured(nodes["Evaluator"]):
        (output / METRICS_FILE).unlink(missing_ok=True)
        return {}
    # Loads TensorFlow.
    from components.evaluator.results import read_figures

    figures = read_figures(str(nodes["Evaluator"].folder("evaluation")))
    metrics = {
        **figures,
        "examples": int(figures["examples"]),
        "threshold": ModelMetadata(served_model(nodes["Trainer"])).threshold,
    }
    _replace(output / METRICS_FILE, (json.dumps(metrics, indent=2) + "\n").encode())
    return metrics


def _copy_report(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for name in _REPORT_FILES:
        if (source / name).exists():
            _replace(target / name, (source / name).read_bytes())
        else:
            (target / name).unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Replaces a file as a whole, so that no reader sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
