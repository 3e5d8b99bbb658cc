"""What each node does, and what it came to: one line each while a run is at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from components.report.captions import best_baselines_first
from pipeline.local.results import (
    NodeResult,
    infra_report,
    is_blessed,
    read_json,
    served_model,
    was_measured,
)
from schema import names
from serving.model_metadata import ModelMetadata

PURPOSES: Final[Mapping[str, str]] = {
    "CsvExampleGen": "read, curate and split the papers",
    "ImportSchemaGen": "import the curated schema",
    "LastStatistics": "look up the last run's statistics",
    "StatisticsGen": "compute statistics of each split",
    "ExampleValidator": "compare the data with the schema",
    "DataCheck": "stop on anomalies",
    "Transform": "compute features, encode labels",
    "Tuner": "search Trainer's settings",
    "Trainer": "train and export the model",
    "Baselines": "score the baselines",
    "InfraValidator": "try the model on a server",
    "LastBlessedModel": "look up the last blessed model",
    "Evaluator": "evaluate on the test split",
    "Pusher": "push the model if it was blessed",
    "Report": "write the report",
}


def summarize(result: NodeResult) -> str:
    """Returns what a finished node came to; empty where there is nothing to tell."""
    describe = _SUMMARIES.get(result.node_id)
    return describe(result) if describe else ""


def _example_gen(result: NodeResult) -> str:
    counts = read_json(result.folder("curation") / names.CURATION_FILE)
    splits = " / ".join(f"{counts[split]:,}" for split in names.SPLITS)
    text = f"{counts['kept']:,} of {counts['rows_read']:,} rows kept: {splits}"
    bad = counts["dead_letters"]
    return f"{text}; {bad:,} malformed" if bad else text


def _data_check(result: NodeResult) -> str:
    warnings = result.artifact("data_check").get_int_custom_property("warnings")
    return f"{warnings} warnings, see the log" if warnings else "no anomalies"


def _transform(result: NodeResult) -> str:
    assets = result.folder("transform_graph") / "transform_fn" / "assets"
    labels = f"{_count_lines(assets / names.LABEL_VOCABULARY):,} labels"
    if not (assets / names.NGRAM_VOCABULARY).exists():
        return labels
    # The first line stands for the n-grams outside the vocabulary.
    return f"{_count_lines(assets / names.NGRAM_VOCABULARY) - 1:,} n-grams, {labels}"


def _tuner(result: NodeResult) -> str:
    # Loads TFX.
    from components.tuner.results import read_trials

    best, *others = read_trials(str(result.folder("tuner_results")))
    return f"best of {1 + len(others)} trials: validation LRAP {best['lrap']:.3f}"


def _trainer(result: NodeResult) -> str:
    model = ModelMetadata(served_model(result))
    best = model.validation
    return (
        f"kept epoch {model.kept_epoch} of {model.epochs}: "
        f"validation LRAP {best['lrap']:.3f}, micro-F1 {best['micro_f1']:.3f}"
    )


def _baselines(result: NodeResult) -> str:
    about = read_json(result.folder("baselines") / names.BASELINES_FILE)
    reached = {name: each["figures"]["micro_f1"] for name, each in about.items()}
    if not reached:
        return "none enabled"
    return "micro-F1: " + ", ".join(f"{name} {value:.3f}" for name, value in reached.items())


def _infra_validator(result: NodeResult) -> str:
    report = infra_report(result)
    failed = [check["name"] for check in report["checks"] if check["result"] == "failed"]
    if failed:
        return f"{report['server']}: refused, failed {', '.join(failed)}"
    return f"{report['server']}: {len(report['checks'])} checks passed"


def _resolved(key: str) -> Callable[[NodeResult], str]:
    """Describes what a resolver found of an earlier run."""

    def describe(result: NodeResult) -> str:
        found = result.outputs.get(key, [])
        return f"{key} {found[0].id}" if found else "none yet"

    return describe


def _evaluator(result: NodeResult) -> str:
    if not was_measured(result):
        return "not evaluated: the model can't be served"
    # Loads TensorFlow.
    from components.evaluator.results import read_figures

    figures = read_figures(str(result.folder("evaluation")))
    verdict = "blessed" if is_blessed(result) else "refused"
    return (
        f"{verdict}: micro-F1 {figures['micro_f1']:.3f}, LRAP {figures['lrap']:.3f}, "
        f"P@1 {figures['precision@1']:.3f}"
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
    report = read_json(result.folder("report") / names.REPORT_FILE)
    if "headline" not in report:
        return "without figures: the model was not evaluated"
    first = report["headline"][0]
    interval = f"micro-F1 {first['low']:.3f} to {first['high']:.3f}"
    if not first["baselines"]:
        return interval
    best = best_baselines_first(report)[0]
    ahead = first["baselines"][best]["difference"]["value"]
    return f"{interval}, {ahead:+.3f} against {best}"


_SUMMARIES: Final[Mapping[str, Callable[[NodeResult], str]]] = {
    "CsvExampleGen": _example_gen,
    "LastStatistics": _resolved("statistics"),
    "DataCheck": _data_check,
    "Transform": _transform,
    "Tuner": _tuner,
    "Trainer": _trainer,
    "Baselines": _baselines,
    "InfraValidator": _infra_validator,
    "LastBlessedModel": _resolved("model"),
    "Evaluator": _evaluator,
    "Pusher": _pusher,
    "Report": _report,
}


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
