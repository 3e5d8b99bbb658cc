"""A made-up report, for the tests of the page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from components.metrics.bootstrap import Scored
from components.papers.raw_paper import RawPaper
from components.report import drift, quality
from components.report.drift import DataStatistics
from components.report.settings import ReportSettings
from pipeline.config import load_config
from schema import names
from serving.suggestion import Suggestion, Suggestions, Why
from tests.support.saved_models import feature_example

PAPERS = 120
LABELS = [f"cs.{chr(65 + i // 6)}{chr(65 + i % 6)}" for i in range(36)]


def made_up_report(seed: int = 0) -> dict[str, Any]:
    """All sections, as `components.report.facts.gather` returns them for a blessed model."""
    dice = np.random.default_rng(seed)
    own = _scored(dice, 1.0)
    baselines = {"frequent": _scored(dice, 3.0, own), "linear_svc": _scored(dice, 1.5, own)}
    settings = ReportSettings(bootstrap_samples=50)
    config = json.loads(load_config("sample").model_dump_json(exclude={"beam"}))
    headline = quality.headline(own, baselines, settings)
    figures = {row["metric"]: row["value"] for row in headline}
    figures |= {"micro_precision": 0.74, "micro_recall": 0.7, "coverage": 0.93}
    figures |= {"suggestions": 1.76, "ece": 0.0012, "examples": float(PAPERS)}
    figures |= {"missed": 0.6, "extra": 0.46, "labels_found": 30.0, "labels_half_found": 12.0}
    figures |= {"ece_suggested": 0.081}
    return {
        "name": names.MODEL_NAME,
        "written": "2026-11-22T14:30:05+00:00",
        "verdict": {"state": "blessed", "reasons": [], "version": "1795336709"},
        "model": {
            "labels": len(LABELS),
            "ngrams": 12_345,
            "threshold": 0.5,
            "thresholds": "global",
        },
        "training": {
            "epochs": [_epoch(number) for number in (1, 2, 3)],
            "kept_epoch": 2,
            "summary": "hidden_1 (SparseDense)",
        },
        "tuning": [
            {"number": 2, "lrap": 0.8123, "values": {"learning_rate": 0.0123456, "dropout": 0.3}},
            {"number": 1, "lrap": 0.7654, "values": {"learning_rate": 0.02, "dropout": 0.5}},
            {"number": 3, "lrap": None, "values": {"learning_rate": 0.1, "dropout": 0.5}},
        ],
        "data": _data(dice),
        "card": {
            "data": "papers.csv",
            "commit": "91f0de2aaabbbcccdddeeefff000111222333444",
            "changed": False,
            "settings": config,
            "intended_use": settings.intended_use,
            "limits": list(settings.limits),
            "versions": {"Python": "3.10.13", "tensorflow": "2.16.2"},
        },
        "gate": [
            _gate_row("examples", PAPERS, None, 100, digits=0),
            _gate_row("micro_f1", figures["micro_f1"], None, 0.3, left_out=12),
            _gate_row("compared_examples", PAPERS - 12, None, 100, digits=0, left_out=12),
            _gate_row("lrap", figures["lrap"], 0.4, -0.01, is_change=True, left_out=12),
        ],
        "figures": figures,
        "abstract_only": {"micro_f1": figures["micro_f1"] - 0.01},
        "vocabulary_only": {"micro_f1": figures["micro_f1"] + 0.01},
        "labels": [_label(own, column) for column in range(len(LABELS))],
        "slices": [
            {"name": name, "value": value, "figures": {**figures, "examples": 17.0}}
            for name, value in (("archive", "cs"), ("archive", "stat"), ("rarest_label", "rare"))
        ],
        "test": {"papers": PAPERS, "scored": PAPERS, "resamples": 50, "level": 0.95},
        "headline": headline,
        "baselines": [
            {"name": name, "threshold": 0.5, "papers": 1_000, "figures": {}} for name in baselines
        ],
        "curves": quality.curves(own, baselines),
        **quality.calibration(own, 0.95),
        "errors": quality.errors(own),
        "confusion": quality.confusion(own, LABELS),
        "against_last": _against_last(),
        "matrix": quality.matrix(own, LABELS),
        "right": quality.right_papers(own, LABELS, _records(own), 3),
        "wrong": quality.wrong_papers(own, LABELS, _records(own), 3, _explain),
    }


def unmeasured_report() -> dict[str, Any]:
    """The facts of a run whose model can't be served."""
    report = made_up_report()
    kept = ("name", "written", "data", "card")
    verdict = {
        "state": "not_evaluated",
        "reasons": ["label names: a label twice"],
        "version": None,
    }
    return {**{key: report[key] for key in kept}, "verdict": verdict}


def _scored(dice: np.random.Generator, noise: float, like: Scored | None = None) -> Scored:
    """Probabilities that correlate with a skewed truth."""
    if like is None:
        truth = dice.random((PAPERS, len(LABELS))) < 0.5 / np.arange(1, len(LABELS) + 1)
        truth[:, 0] |= ~truth.any(axis=1)
    else:
        truth = like.y_true.astype(bool)
    logits = np.where(truth, 1.0, -3.0) + dice.normal(0, noise, truth.shape)
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return Scored(truth.astype(np.float32), probabilities, 0.5, np.zeros(PAPERS, np.int64))


def _explain(paper: RawPaper) -> Suggestions:
    why = Why({"<graph>": 1.25, "nets": -0.5}, 0.75, -2.0)
    return Suggestions(Suggestion(label, 0.5, False, why=why) for label in paper.labels)


def _records(scored: Scored) -> list[bytes]:
    return [
        feature_example(
            titles=[f"Title {number}"],
            summaries=[f"Abstract {number}"],
            terms=[LABELS[column] for column in np.flatnonzero(row)],
        )
        for number, row in enumerate(scored.y_true)
    ]


def _epoch(number: int) -> dict[str, float]:
    return {
        "epoch": number,
        "epochs": 3,
        "loss": 0.1 / number,
        "val_loss": 0.09 / number,
        "val_lrap": 0.8 + number / 100,
        "val_ndcg@5": 0.82 + number / 100,
        "val_micro_f1": 0.6 + number / 100,
    }


def _data(dice: np.random.Generator) -> dict[str, Any]:
    counts = sorted(dice.integers(1, 900, len(LABELS)).tolist(), reverse=True)
    before = DataStatistics(900, 80.0, 1300.0, 1.9, {"cs.AA": 700, "cs.Old": 40}, complete=True)
    now = DataStatistics(1_240, 81.5, 1310.0, 2.0, {"cs.AA": 900, "cs.New": 30}, complete=True)
    percentiles = {"1": 20, "5": 50, "25": 100, "50": 150, "75": 180, "95": 250, "99": 300}
    return {
        "left_out": [{"label": "I.2.6; I.2.10", "rows": 12, "setting": "label_pattern"}],
        "curation": {
            "other_texts": 0,
            "unlabelled": 3,
            "unlabelled_kept": 0,
            "labels_left_out": 1,
            "several_labels": 900,
            "rows_read": 1_500,
            "dead_letters": 1,
            "repeats": 200,
            "after_dedup": 1_299,
            "label_sets": 90,
            "label_sets_once": 59,
            "label_set_rows_dropped": 59,
            "kept": 1_240,
            "train": 1_000,
            "val": PAPERS,
            "test": PAPERS,
            "labels": len(LABELS),
            "distinct_words_train": 4_000,
        },
        "words": {split: {**percentiles, "100": 4_321} for split in names.SPLITS},
        "labels_per_paper": {split: [0, 60, 30, 20, 5, 3, 2] for split in names.SPLITS},
        "labels": [
            {"label": label, "train": count, "val": count // 10, "test": count // 10}
            for label, count in zip(LABELS, counts, strict=True)
        ],
        "drift": {"state": "compared", **drift.compare(before, now)},
    }


def _gate_row(
    metric: str,
    candidate: float,
    baseline: float | None,
    bound: float,
    *,
    is_change: bool = False,
    digits: int = 4,
    left_out: int = 0,
) -> dict[str, Any]:
    return {
        "metric": metric,
        "candidate": candidate,
        "baseline": baseline,
        "bound": bound,
        "is_change": is_change,
        "is_floor": bool(digits) and not is_change,
        "passed": True,
        "papers": PAPERS - left_out,
        "left_out": left_out,
        "digits": digits,
        "bound_in_words": f"at least {bound}",
        "slice": "",
        "is_ceiling": False,
    }


def _against_last() -> dict[str, Any]:
    rows = [("cs.AA", 9, 1, "better"), ("cs.AB", 1, 8, "worse"), ("cs.AC", 2, 1, "")]
    return {
        "papers": PAPERS - 12,
        "labels": [
            {
                "label": label,
                "support": 40,
                "f1": 0.5 + (gained - lost) / 40,
                "last_f1": 0.5,
                "recall": 0.5 + (gained - lost) / 40,
                "last_recall": 0.5,
                "gained": gained,
                "lost": lost,
                "change": change,
            }
            for label, gained, lost, change in rows
        ],
        "new": ["cs.FF"],
        "gone": ["cs.Old"],
    }


def _label(scored: Scored, column: int) -> dict[str, Any]:
    truth = scored.y_true[:, column].astype(bool)
    suggested = scored.probabilities[:, column] >= 0.5
    hits = int((truth & suggested).sum())
    both = int(truth.sum() + suggested.sum())
    return {
        "label": LABELS[column],
        "support": int(truth.sum()),
        "suggested": int(suggested.sum()),
        "missed": int(truth.sum()) - hits,
        "extra": int(suggested.sum()) - hits,
        "precision": hits / max(1, int(suggested.sum())),
        "recall": hits / max(1, int(truth.sum())),
        "f1": 2 * hits / max(1, both),
        "pr_auc": 0.5,
        "threshold": 0.5,
    }
