"""Renders the page from the facts of a report alone."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import jinja2
import jinja2.ext
from jinja2.lexer import Token
from markupsafe import Markup, escape

from components.evaluator.paper_slices import FREQUENT_SHARE, RAREST_LABEL
from components.metrics import charts
from components.metrics.names import COMPARED_EXAMPLES
from components.report import captions
from components.report.charts import label_frequencies, quality_charts
from components.report.formats import FILTERS, meaning_of
from components.tuner.results import trial_table
from schema import names
from schema.text import visible
from schema.words import Words

Facts = Mapping[str, Any]

_HERE: Final = Path(__file__).parent
_LABELS_AT_FIRST: Final = 25
_LABELS_IN_ALL: Final = 300
_PERCENTILES: Final = ("5", "25", "50", "75", "95")
_MOST_LABELS: Final = 4
_LEFT_OUT: Final = 25
_RARE: Final = 10
# Settings that the page shows elsewhere.
_IN_CARD: Final = ("intended_use", "limits", "label_names")
_SLICE_METRICS: Final = ("micro_f1", "precision@1", "lrap", "ndcg@5")
_MEASURED_SECTIONS: Final = {
    "summary": "Summary",
    "baselines": "Baselines",
    "gate": "Gate",
    "curves": "Threshold",
    "calibration": "Calibration",
    "labels": "Labels",
    "slices": "Slices",
    "confusion": "Missed and extra labels",
    "wrong": "Examples",
    "training": "Training",
    "tuning": "Tuning",
    "figures": "All metrics",
}
_SECTIONS: Final = {"data": "Data", "drift": "Data drift", "card": "Model card"}
_DRIFT_ROWS: Final = (
    ("papers", "papers", 0),
    ("labels", "labels", 0),
    ("labels per paper, mean", "labels_per_paper", 2),
    ("bytes per title, mean", "title_bytes", 0),
    ("bytes per abstract, mean", "text_bytes", 0),
)


def render(report: Facts) -> str:
    """Renders the page.

    Args:
        report: What `components.report.facts.gather` returned, also after a way through JSON.

    Returns:
        A self-contained HTML document. All text of the report is escaped.
    """
    measured = "figures" in report
    sections = {**_MEASURED_SECTIONS, **_SECTIONS} if measured else dict(_SECTIONS)
    if not report.get("tuning"):
        sections.pop("tuning", None)
    if report["verdict"]["reasons"]:
        sections = {"refused": "Why it was refused", **sections}
    words = Words.of_settings(report["card"]["settings"])
    context = {
        "report": report,
        "measured": measured,
        "style": Markup(charts.STYLE + (_HERE / "style.css").read_text("utf-8")),
        "verdict": captions.verdict(**report["verdict"]),
        "sections": sections,
        "title": words.title,
        **_background(report, words),
        **(_quality(report, words) if measured else {"charts": {}, "weak_labels": 0}),
    }
    context["charts"]["frequencies"] = label_frequencies(report["data"]["labels"], names.TRAIN)
    for chart in context["charts"].values():
        # Nothing of the data is in a chart's words.
        chart.svg = Markup(words.of(chart.svg, escape))
        chart.lines = [replace(line, name=words.of(line.name)) for line in chart.lines]
    # A title that turns the direction of writing around must not turn that of the page.
    called = report["card"]["settings"].get("report", {}).get("label_names", {})
    return visible(_template(words, tuple(called.items())).render(context))


class _Words(jinja2.ext.Extension):
    """Says of the profile's items what the text and the strings of a template say of papers."""

    def filter_stream(self, stream: Iterable[Any]) -> Iterator[Token]:
        """Changes the tokens of a template, which hold nothing of a report."""
        of = cast(Words, self.environment.globals["words"]).of
        for token in stream:
            if token.type in ("data", "string"):
                quote = escape if token.type == "data" else str
                token = Token(token.lineno, token.type, of(token.value, quote))
            yield token


@cache
def _template(words: Words, label_names: tuple[tuple[str, str], ...]) -> jinja2.Template:
    called = dict(label_names)
    environment = jinja2.Environment(
        extensions=[_Words],
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.globals["words"] = words
    environment.filters.update(FILTERS)
    environment.filters["named"] = lambda label: (
        f"{label} ({called[label]})" if label in called else label
    )
    for name in ("title_of", "meaning_of", "baseline_meaning", "slice_title"):
        environment.filters[name] = _in_words(environment.filters[name], words)
    return environment.get_template("page.html.j2")


def _in_words(caption: Callable[[str], str], words: Words) -> Callable[[str], str]:
    return lambda name: words.of(caption(name))


def _quality(report: Facts, words: Words) -> dict[str, Any]:
    labels = sorted(report["labels"], key=lambda label: (-label["support"], label["label"]))
    seen = [label for label in labels if label["support"]]
    return {
        "charts": quality_charts(report),
        "trials": trial_table(report["tuning"]) if report.get("tuning") else [],
        "summary": words.of(_summary(report["figures"])),
        "baselines": captions.best_baselines_first(report),
        "compared": next(
            (row for row in report["gate"] if row["metric"] == COMPARED_EXAMPLES), None
        ),
        "labels": seen[:_LABELS_AT_FIRST],
        "more_labels": seen[_LABELS_AT_FIRST:_LABELS_IN_ALL],
        "meaning": _meanings(len(labels), len(seen), words),
        "half_found_of_many": sum(
            label["recall"] > 0.5 and label["support"] >= _RARE for label in seen
        ),
        "unseen": len(labels) - len(seen[:_LABELS_IN_ALL]),
        "seen_labels": len(seen),
        "weak_labels": sum(not label["f1"] for label in seen),
        "changes": _changes(report["against_last"]),
        "slices": _group(report["slices"]),
        "rarest_label": RAREST_LABEL,
        "frequent": math.ceil(FREQUENT_SHARE * report["model"]["labels"]),
        "slice_metrics": _SLICE_METRICS,
    }


def _meanings(labels: int, seen: int, words: Words) -> Callable[[str], str]:
    """Returns what tells the meaning of a metric, on a test split that may lack some labels."""
    unseen = f"; those without a test paper ({labels - seen:,}) count as 0, so it is at most "
    macro = f"Mean F1 over all {labels:,} labels"
    macro += f"{unseen}{seen / labels:.3f}" if seen < labels else ""
    return lambda name: words.of(macro if name == "macro_f1" else meaning_of(name))


def _changes(against_last: Facts | None) -> list[Facts]:
    """Returns the labels that changed, those beyond chance first, then by how much."""
    labels = against_last["labels"] if against_last else []
    rows = [row for row in labels if row["support"] and (row["gained"] or row["lost"])]
    return sorted(
        rows, key=lambda row: (not row["change"], -abs(row["gained"] - row["lost"]), row["label"])
    )


def _background(report: Facts, words: Words) -> dict[str, Any]:
    data = report["data"]
    per_paper = data["labels_per_paper"].values()
    numbers = range(0 if any(counts[0] for counts in per_paper) else 1, _MOST_LABELS + 1)
    return {
        "curation": [
            (number, words.of(caption))
            for number, caption in captions.curation_rows(data["curation"])
        ],
        "least": _RARE,
        "percentiles": _PERCENTILES,
        "left_out": data["left_out"][:_LEFT_OUT],
        "label_numbers": numbers,
        "label_shares": [
            (split, _label_shares(counts, numbers))
            for split, counts in data["labels_per_paper"].items()
        ],
        "rare": sum(0 < label[names.TRAIN] < _RARE for label in data["labels"]),
        "drift_rows": [
            (words.of(caption), key, digits)
            for caption, key, digits in _DRIFT_ROWS
            if words.title or key != "title_bytes"
        ],
        "made": _provenance(report),
        "settings": [
            (section, _flatten({key: values[key] for key in values if key not in _IN_CARD}))
            for section, values in report["card"]["settings"].items()
        ],
    }


def _summary(figures: Facts) -> str:
    return (
        f"The model suggests {figures['suggestions']:.1f} labels per paper on average. "
        f"{figures['micro_precision']:.0%} of its suggestions are correct, and it finds "
        f"{figures['micro_recall']:.0%} of the true labels. {figures['coverage']:.0%} of papers "
        "get at least one correct suggestion; the top label is correct for "
        f"{figures['precision@1']:.0%}."
    )


def _group(slices: Iterable[Facts]) -> list[tuple[str, list[Facts]]]:
    groups: dict[str, list[Facts]] = {}
    for each in slices:
        groups.setdefault(each["name"], []).append(each)
    return list(groups.items())


def _label_shares(counts: Sequence[int], numbers: Sequence[int]) -> list[float]:
    """Returns the shares of the papers with each of these numbers of labels, and with more."""
    total = max(sum(counts), 1)
    shares = [counts[n] / total if n < len(counts) else 0.0 for n in numbers]
    return [*shares, sum(counts[numbers[-1] + 1 :]) / total]


def _provenance(report: Facts) -> list[tuple[str, str]]:
    """Returns what the model was made from."""
    card = report["card"]
    seeds = [
        f"{section} {values['seed']}"
        for section, values in card["settings"].items()
        if "seed" in values and values.get("enabled", True)
    ]
    model = report.get("model")
    ngrams = model and model["ngrams"]
    of_model = [] if model is None else [
        *([("input", f"{ngrams:,} n-grams, weighted by TF-IDF")] if ngrams else []),
        ("labels", f"{model['labels']:,}"),
        ("threshold", f"{model['threshold']:.4f}"),
    ]  # fmt: skip
    commit = card["commit"] or "unknown: the code is not a git checkout"
    return [
        ("data", card["data"]),
        *of_model,
        ("seeds", ", ".join(seeds)),
        ("git commit", commit + (", with changes" if card["changed"] else "")),
        *card["versions"].items(),
    ]


def _flatten(values: Facts, prefix: str = "") -> list[tuple[str, str]]:
    """Returns settings as rows, nested ones under a dotted name."""
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
