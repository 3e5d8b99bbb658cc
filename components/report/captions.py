"""What the report calls baselines, splits, slices and counts; metrics have `metrics.names`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from components.baselines.settings import CAPTIONS

SPLITS: Final = {"train": "training", "val": "validation", "test": "test"}

SLICES: Final = {
    "archive": "First label, up to its dot",
    "number_of_labels": "Number of true labels",
    "abstract_words": "Words in the abstract",
    "rarest_label": "Rarest true label",
}

# The counts of `curation.json`.
_CURATION: Final = (
    ("rows_read", "rows read"),
    ("dead_letters", "malformed rows"),
    ("repeats", "repeats of an earlier paper, dropped"),
    ("other_texts", "of these with another text"),
    ("unlabelled", "papers without labels, dropped"),
    ("after_dedup", "papers without repeats"),
    ("label_sets", "distinct label sets"),
    ("label_sets_once", "label sets in too few rows"),
    ("label_set_rows_dropped", "papers with such a label set, dropped"),
    ("kept", "papers kept"),
    ("unlabelled_kept", "of these without labels"),
    ("train", "for training"),
    ("val", "for validation"),
    ("test", "for test"),
    ("labels", "labels"),
    ("labels_left_out", "labels that are left out"),
    ("distinct_words_train", "distinct words in training"),
)

# Counts that are shown only where there is something to count.
_IF_ANY: Final = frozenset({"other_texts", "unlabelled", "unlabelled_kept", "labels_left_out"})


def curation_rows(counts: Mapping[str, int]) -> list[tuple[int, str]]:
    """Returns the counts of `curation.json` that are shown, and what each is."""
    return [
        (counts[key], caption) for key, caption in _CURATION if counts[key] or key not in _IF_ANY
    ]


def baseline_title(name: str) -> str:
    """Returns what a baseline is called."""
    return CAPTIONS.get(name, (name, ""))[0]


def baseline_meaning(name: str) -> str:
    """Returns what a baseline does."""
    return CAPTIONS.get(name, ("", ""))[1]


def best_baselines_first(report: Mapping[str, Any]) -> list[str]:
    """Returns the names of a report's baselines, sorted by the first headline metric."""
    reached = report["headline"][0]["baselines"]
    return sorted(reached, key=lambda name: -reached[name]["value"])


def verdict(state: str, version: str | None, **_: object) -> str:
    """Returns what happened to a model.

    Args:
        state: `blessed`, `refused` or `not_evaluated`.
        version: The version that serves it; None if it was not pushed.
    """
    if state == "not_evaluated":
        return "Refused: the model can't be served"
    if state == "refused":
        return "Refused by the gate"
    return f"Passed the gate, pushed as version {version}" if version else "Passed the gate"
