"""Draws the page from the facts of a report alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from components.report import words
from components.report.formats import FILTERS
from components.report.plots import frequencies, quality_charts
from schema import names

Facts = Mapping[str, Any]

_HERE: Final = Path(__file__).parent
_LABELS_AT_FIRST: Final = 25
_LABELS_IN_ALL: Final = 300
_PERCENTILES: Final = ("5", "25", "50", "75", "95")
_LABEL_NUMBERS: Final = (1, 2, 3, 4)
_RARE: Final = 10
# The gate's row for the test papers that two models are compared on.
_COMPARED: Final = "compared_examples"
_SLICE_METRICS: Final = ("micro_f1", "precision@1", "lrap", "ndcg@5")
_MEASURED: Final = (
    ("short", "In short"),
    ("baselines", "Instead of it"),
    ("gate", "Gate"),
    ("curves", "Thresholds"),
    ("calibration", "Probabilities"),
    ("labels", "Labels"),
    ("slices", "Kinds of papers"),
    ("confusion", "Confusions"),
    ("wrong", "Most wrong"),
    ("training", "Training"),
    ("figures", "All figures"),
)
_ALWAYS: Final = (("data", "Data"), ("drift", "Changes"), ("card", "Model card"))
_DRIFT_ROWS: Final = (
    ("papers", "papers", 0),
    ("labels", "labels", 0),
    ("labels of a paper, mean", "labels_per_paper", 2),
    ("bytes in a title, mean", "title_bytes", 0),
    ("bytes in an abstract, mean", "text_bytes", 0),
)


def render(report: Facts) -> str:
    """Draws the page.

    Args:
        report: What `components.report.facts.gather` returned, or what came of it as JSON.

    Returns:
        An HTML document that needs nothing beside it. All text of the report is escaped.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    measured = "figures" in report
    context = {
        "report": report,
        "measured": measured,
        "style": Markup((_HERE / "style.css").read_text("utf-8")),
        "verdict": words.verdict(**report["verdict"]),
        "sections": [*(_MEASURED if measured else ()), *_ALWAYS],
        **_background(report),
        **(_quality(report) if measured else {"charts": {}, "weak_labels": 0}),
    }
    context["charts"]["frequencies"] = frequencies(report["data"]["labels"], names.TRAIN)
    return environment.get_template("page.html.j2").render(context)


def _quality(report: Facts) -> dict[str, Any]:
    labels = sorted(report["labels"], key=lambda label: (-label["support"], label["label"]))
    seen = [label for label in labels if label["support"]]
    return {
        "charts": quality_charts(report),
        "summary": _summary(report["figures"]),
        "baselines": words.best_baselines_first(report),
        "compared": next((row for row in report["gate"] if row["metric"] == _COMPARED), None),
        "own_thresholds": report["model"]["thresholds"] == "per_label",
        "labels": seen[:_LABELS_AT_FIRST],
        "more_labels": seen[_LABELS_AT_FIRST:_LABELS_IN_ALL],
        "unseen": len(labels) - len(seen[:_LABELS_IN_ALL]),
        "seen_labels": len(seen),
        "weak_labels": sum(not label["f1"] for label in seen),
        "slices": _group(report["slices"]),
        "slice_metrics": _SLICE_METRICS,
    }


def _background(report: Facts) -> dict[str, Any]:
    data = report["data"]
    return {
        "curation_words": words.CURATION,
        "percentiles": _PERCENTILES,
        "label_numbers": _LABEL_NUMBERS,
        "label_shares": [
            (split, _label_shares(counts)) for split, counts in data["labels_per_paper"].items()
        ],
        "rare": sum(0 < label[names.TRAIN] < _RARE for label in data["labels"]),
        "drift_rows": _DRIFT_ROWS,
        "made": _made(report),
        "settings": [
            (section, _flatten(values)) for section, values in report["card"]["settings"].items()
        ],
    }


def _summary(figures: Facts) -> str:
    return (
        f"It suggests {figures['suggestions']:.1f} labels for a paper. Of 100 suggestions "
        f"{100 * figures['micro_precision']:.0f} are true; of 100 true labels it finds "
        f"{100 * figures['micro_recall']:.0f}. {100 * figures['coverage']:.0f} of 100 papers get "
        f"at least one true suggestion, and the label that it puts first is true for "
        f"{100 * figures['precision@1']:.0f}."
    )


def _group(slices: Iterable[Facts]) -> list[tuple[str, list[Facts]]]:
    groups: dict[str, list[Facts]] = {}
    for each in slices:
        groups.setdefault(each["name"], []).append(each)
    return list(groups.items())


def _label_shares(counts: Sequence[int]) -> list[float]:
    """Returns the shares of the papers with 1, 2, 3, 4 and more labels."""
    total = max(sum(counts), 1)
    shares = [counts[n] / total if n < len(counts) else 0.0 for n in _LABEL_NUMBERS]
    return [*shares, sum(counts[_LABEL_NUMBERS[-1] + 1 :]) / total]


def _made(report: Facts) -> list[tuple[str, str]]:
    """Returns what the model was made from, in words."""
    card = report["card"]
    seeds = [
        f"{section} {values['seed']}"
        for section, values in card["settings"].items()
        if "seed" in values
    ]
    commit = card["commit"] or "unknown: the code is not a git checkout"
    return [
        ("data", card["data"]),
        *(_made_model(report["model"]) if "model" in report else ()),
        ("seeds", ", ".join(seeds)),
        ("git commit", commit + (", with changes" if card["changed"] else "")),
        *card["versions"].items(),
    ]


def _made_model(model: Facts) -> list[tuple[str, str]]:
    return [
        ("input", f"{model['ngrams']:,} n-grams, weighted by TF-IDF"),
        ("labels", f"{model['labels']:,}"),
        ("threshold", _threshold(model)),
    ]


def _threshold(model: Facts) -> str:
    if model["thresholds"] == "per_label":
        return f"one for each label, {model['threshold']:.4f} where all share one"
    return f"{model['threshold']:.4f}"


def _flatten(values: Facts, prefix: str = "") -> list[tuple[str, str]]:
    """Returns settings as rows, those inside others under a dotted name."""
    rows = []
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            rows.extend(_flatten(value, f"{prefix}{key}."))
        else:
            items = value if isinstance(value, list | tuple) else [value]
            rows.append((prefix + key, ", ".join(map(_setting, items))))
    return rows


def _setting(value: Any) -> str:
    """Returns a value as a profile has it."""
    return value if isinstance(value, str) else json.dumps(value)
