"""What each node does, and what it counted, in words for a person."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.report.words import best_baselines_first
from schema import names
from serving.model_metadata import ModelMetadata

if TYPE_CHECKING:
    from pipeline.local.runner import NodeResult

PURPOSES: Final[Mapping[str, str]] = {
    "CsvExampleGen": "read, curate and split the papers",
    "ImportSchemaGen": "take the curated schema",
    "LastStatistics": "find the last run's data",
    "StatisticsGen": "describe the splits",
    "ExampleValidator": "compare data and schema",
    "DataCheck": "stop on anomalies",
    "Transform": "weigh n-grams, encode labels",
    "Trainer": "train and export",
    "Baselines": "score what needs no model",
    "InfraValidator": "try the model on a server",
    "LastBlessedModel": "find the model to beat",
    "Evaluator": "measure on the test split",
    "Pusher": "push what was blessed",
    "Report": "write the page about it",
}


def counted(result: NodeResult) -> str:
    """Returns what a finished node counted; empty where there is nothing to tell."""
    describe = _FACTS.get(result.node_id)
    return describe(result) if describe else ""


def _curation(result: NodeResult) -> str:
    counts = read_json(Path(result.artifact("curation").uri) / names.CURATION_FILE)
    splits = " / ".join(f"{counts[split]:,}" for split in names.SPLITS)
    text = f"{counts['kept']:,} of {counts['rows_read']:,} rows kept: {splits}"
    bad = counts["dead_letters"]
    return f"{text}; {bad:,} malformed" if bad else text


def _data_check(result: NodeResult) -> str:
    warnings = result.artifact("data_check").get_int_custom_property("warnings")
    return f"{warnings} warnings, see the log" if warnings else "no anomalies"


def _transform(result: NodeResult) -> str:
    graph = Path(result.artifact("transform_graph").uri)
    assets = graph / "transform_fn" / "assets"
    # The first line stands for the n-grams outside the vocabulary.
    ngrams = _count_lines(assets / names.NGRAM_VOCABULARY) - 1
    return f"{ngrams:,} n-grams, {_count_lines(assets / names.LABEL_VOCABULARY):,} labels"


def _trainer(result: NodeResult) -> str:
    model = ModelMetadata(served_model(result))
    best = model.validation
    return (
        f"epoch {model.kept_epoch} of {model.epochs} kept, "
        f"validation LRAP {best['lrap']:.3f}, micro-F1 {best['micro_f1']:.3f}"
    )


def _last_statistics(result: NodeResult) -> str:
    statistics = result.outputs.get("statistics", [])
    return f"statistics {statistics[0].id}" if statistics else "none yet"


def _baselines(result: NodeResult) -> str:
    about = read_json(Path(result.artifact("baselines").uri) / names.BASELINES_FILE)
    reached = {name: each["figures"]["micro_f1"] for name, each in about.items()}
    words = [f"{name} micro-F1 {value:.3f}" for name, value in reached.items()]
    return ", ".join(words) or "none enabled"


def _infra_validator(result: NodeResult) -> str:
    report = infra_report(result)
    failed = [check["name"] for check in report["checks"] if check["result"] == "failed"]
    if failed:
        return f"{report['server']}: refused, failed {', '.join(failed)}"
    return f"{report['server']}: {len(report['checks'])} checks passed"


def _last_blessed(result: NodeResult) -> str:
    models = result.outputs.get("model", [])
    return f"model {models[0].id}" if models else "none yet"


def _evaluator(result: NodeResult) -> str:
    if not was_measured(result):
        return "not measured: it can't be served"
    from components.evaluator.results import read_figures

    figures = read_figures(result.artifact("evaluation").uri)
    verdict = "blessed" if is_blessed(result) else "refused"
    return (
        f"micro-F1 {figures['micro_f1']:.3f}, LRAP {figures['lrap']:.3f}, "
        f"P@1 {figures['precision@1']:.3f}: {verdict}"
    )


def _pusher(result: NodeResult) -> str:
    pushed = result.artifact("pushed_model")
    if not pushed.get_int_custom_property("pushed"):
        return "not pushed"
    version = pushed.get_string_custom_property("pushed_version")
    if pushed.get_int_custom_property("is_new") and not result.cached:
        return f"version {version}"
    return f"nothing new: version {version} is this model"


def _report(result: NodeResult) -> str:
    report = read_json(Path(result.artifact("report").uri) / names.REPORT_FILE)
    if "headline" not in report:
        return "without figures: the model was not measured"
    first = report["headline"][0]
    words = f"micro-F1 {first['low']:.3f} to {first['high']:.3f}"
    if not first["baselines"]:
        return words
    best = best_baselines_first(report)[0]
    ahead = first["baselines"][best]["difference"]["value"]
    return f"{words}, {ahead:+.3f} against {best}"


_FACTS: Final[Mapping[str, Callable[[NodeResult], str]]] = {
    "CsvExampleGen": _curation,
    "LastStatistics": _last_statistics,
    "DataCheck": _data_check,
    "Transform": _transform,
    "Trainer": _trainer,
    "Baselines": _baselines,
    "InfraValidator": _infra_validator,
    "LastBlessedModel": _last_blessed,
    "Evaluator": _evaluator,
    "Pusher": _pusher,
    "Report": _report,
}


def is_blessed(evaluator: NodeResult) -> bool:
    """Tells whether the gate let the model pass."""
    return bool(evaluator.artifact("blessing").get_int_custom_property("blessed"))


def was_measured(evaluator: NodeResult) -> bool:
    """Tells whether the model was evaluated: one that can't be served is not."""
    return not (Path(evaluator.artifact("evaluation").uri) / names.NOT_EVALUATED_FILE).exists()


def infra_report(infra_validator: NodeResult) -> Any:
    """Reads what became of each check on a server."""
    return read_json(Path(infra_validator.artifact("blessing").uri) / names.INFRA_REPORT_FILE)


def served_model(trainer: NodeResult) -> Path:
    """Returns the folder of the SavedModel that Trainer exported."""
    return Path(trainer.artifact("model").uri) / "Format-Serving"


def read_json(path: Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text("utf-8"))


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
