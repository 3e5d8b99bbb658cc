"""What the figures are called and mean, in words for a person who has not read the code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Each metric's title and meaning.
METRICS: Final[dict[str, tuple[str, str]]] = {
    "micro_f1": ("micro-F1", "precision and recall of all suggestions in one number"),
    "macro_f1": ("macro-F1", "mean F1 of the labels, rare ones counting as much as common ones"),
    "samples_f1": ("samples-F1", "mean F1 of the papers"),
    "lrap": ("LRAP", "how near the top of the whole ranking the true labels stand"),
    "ndcg@5": ("nDCG@5", "how well the first five labels are ranked"),
    "precision@1": ("P@1", "share of papers whose first label is true"),
    "precision@3": ("P@3", "share of true labels among the first three"),
    "precision@5": ("P@5", "share of true labels among the first five"),
    "recall@5": ("R@5", "share of a paper's true labels found among the first five"),
    "micro_precision": ("precision", "share of the suggestions that are true"),
    "micro_recall": ("recall", "share of the true labels that are suggested"),
    "macro_precision": ("macro precision", "mean precision of the labels"),
    "macro_recall": ("macro recall", "mean recall of the labels"),
    "micro_pr_auc": ("PR-AUC", "area under the precision-recall curve of all cells"),
    "coverage": ("coverage", "share of papers with at least one true suggestion"),
    "suggestions": ("suggestions", "labels suggested for a paper, in the mean"),
    "hamming_loss": ("Hamming loss", "share of wrong cells; lower is better"),
    "binary_accuracy": ("binary accuracy", "share of right cells at 0.5; says little"),
    "ece": ("calibration error", "mean distance of probability and outcome; lower is better"),
    "examples": ("papers", "test papers"),
    "compared_examples": ("papers compared", "test papers new to the last blessed model"),
}

BASELINES: Final[dict[str, tuple[str, str]]] = {
    "none": ("nothing", "suggests no label; ranks them by chance"),
    "frequent": ("most frequent", "suggests the same frequent labels for every paper"),
    "linear_svc": ("LinearSVC", "one linear classifier for each label, on TF-IDF"),
}

SPLITS: Final = {"train": "training", "val": "validation", "test": "test"}

SLICES: Final = {
    "archive": "Archive of the first label",
    "number_of_labels": "True labels",
    "abstract_words": "Words in the abstract",
    "rarest_label": "Rarest true label",
}

CURATION: Final = (
    ("rows_read", "rows read"),
    ("dead_letters", "malformed, set aside"),
    ("repeats", "repeated titles, dropped"),
    ("label_set_rows_dropped", "papers whose label set is too rare, dropped"),
    ("kept", "papers kept"),
    ("train", "for training"),
    ("val", "for validation"),
    ("test", "for test"),
    ("labels", "labels"),
)


def metric_title(name: str) -> str:
    """Returns what a metric is called; its name where it has no other."""
    return METRICS.get(name, (name, ""))[0]


def metric_meaning(name: str) -> str:
    """Returns what a metric says, in a few words; empty where nothing is known of it."""
    return METRICS.get(name, ("", ""))[1]


def baseline_title(name: str) -> str:
    """Returns what a baseline is called."""
    return BASELINES.get(name, (name, ""))[0]


def baseline_meaning(name: str) -> str:
    """Returns what a baseline does."""
    return BASELINES.get(name, ("", ""))[1]


def best_baselines_first(report: Mapping[str, Any]) -> list[str]:
    """Returns the names of a report's baselines, the best in the first headline metric first."""
    reached = report["headline"][0]["baselines"]
    return sorted(reached, key=lambda name: -reached[name]["value"])


def verdict(state: str, version: str | None, **_: object) -> str:
    """Returns what became of a model.

    Args:
        state: `blessed`, `refused` or `not_evaluated`.
        version: The version that serves it; None where it was not pushed.
    """
    if state == "not_evaluated":
        return "Refused: it can't be served"
    if state == "refused":
        return "Refused by the gate"
    return f"Passed the gate, pushed as version {version}" if version else "Passed the gate"
