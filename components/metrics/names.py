"""The metrics by name: what each is called, what it means and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Metric:
    """What a reader is told about a metric.

    Attributes:
        name: Its key in `metrics.json`.
        title: What tables and charts call it.
        meaning: One plain sentence, without a full stop.
        higher_is_better: None where neither direction is.
        format: Format specification of its values.
    """

    name: str
    title: str
    meaning: str
    higher_is_better: bool | None = True
    format: str = ".4f"


_MEASURED: Final = (
    Metric("micro_f1", "micro-F1", "Harmonic mean of precision and recall over all suggestions"),
    Metric("micro_precision", "precision", "Share of suggestions that are correct"),
    Metric("micro_recall", "recall", "Share of true labels that are suggested"),
    Metric("macro_f1", "macro-F1", "Mean F1 over labels, each of the same weight"),
    Metric("macro_precision", "macro precision", "Mean precision over labels"),
    Metric("macro_recall", "macro recall", "Mean recall over labels"),
    Metric("samples_f1", "samples-F1", "Mean F1 over papers"),
    Metric("precision@1", "P@1", "Share of papers whose top label is correct"),
    Metric("precision@3", "P@3", "Share of the top three labels that are correct"),
    Metric("precision@5", "P@5", "Share of the top five labels that are correct"),
    Metric("recall@5", "R@5", "Share of a paper's true labels among the top five"),
    Metric("ndcg@5", "nDCG@5", "Ranking quality of the top five labels"),
    Metric("lrap", "LRAP", "Label ranking average precision: how high the true labels rank"),
    Metric("micro_pr_auc", "PR-AUC", "Area under the precision-recall curve"),
    Metric("coverage", "coverage", "Share of papers with at least one correct suggestion"),
    Metric("suggestions", "suggestions", "Mean number of labels suggested for a paper", None),
    Metric("missed", "missed", "Mean number of a paper's true labels not suggested", False),
    Metric("extra", "extra", "Mean number of a paper's suggestions that are wrong", False),
    Metric("labels_found", "labels found", "Labels with a correct suggestion", format=",.0f"),
    Metric("labels_half_found", "half found", "Labels with a recall over a half", format=",.0f"),
    Metric("hamming_loss", "Hamming loss", "Share of paper-label pairs that are wrong", False),
    Metric(
        "binary_accuracy",
        "binary accuracy",
        "Accuracy over all paper-label pairs at 0.5 (near 1 for any model)",
    ),
    Metric(
        "ece", "calibration error", "Mean gap between probability and observed frequency", False
    ),
    Metric(
        "ece_suggested",
        "calibration error of suggestions",
        "The calibration error of labels that are suggested or above 0.1",
        False,
    ),
    Metric("examples", "test papers", "Number of test papers", None, ",.0f"),
)

# What the Evaluator measures, in the order of `metrics.json`.
METRIC_NAMES: Final = tuple(metric.name for metric in _MEASURED)

# Numbers of labels, without an upper limit; all other metrics but EXAMPLES are from 0 to 1.
LABEL_NUMBERS: Final = ("suggestions", "missed", "extra", "labels_found", "labels_half_found")

# The number of examples is a metric too, and always gated.
EXAMPLES: Final = "examples"
# The gate's count of the test papers that two models are compared on.
COMPARED_EXAMPLES: Final = "compared_examples"

METRICS: Final = {
    metric.name: metric
    for metric in (
        *_MEASURED,
        Metric("threshold", "threshold", "Minimum score to suggest a label, tuned on validation"),
        Metric(
            COMPARED_EXAMPLES,
            "papers compared",
            "Test papers that the last blessed model was not trained on",
            None,
            ",.0f",
        ),
    )
}

# What models are compared by, the most important first.
HEADLINE: Final = ("micro_f1", "macro_f1", "lrap", "ndcg@5", "precision@1")

# Prefix of a metric where the model sees no titles.
ABSTRACT_ONLY: Final = "abstract_only/"
# Prefix of a metric as if no paper had a label outside the vocabulary.
VOCABULARY_ONLY: Final = "vocabulary_only/"

# What the gate can compare two models by.
ComparedMetric = Literal["micro_f1", "macro_f1", "precision@1", "ndcg@5", "lrap", "binary_accuracy"]

# What is counted for each label, and what else is measured.
LABEL_COUNTS: Final = ("support", "suggested", "missed", "extra")
LABEL_METRICS: Final = (*LABEL_COUNTS, "precision", "recall", "f1", "pr_auc")
