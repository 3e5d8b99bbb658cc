"""Compares configurations of the model on validation; the table in quality.md is its output.

Run it as `python -m benchmarks.quality.study --data FILE`. Test papers are never scored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from rich.console import Console

from benchmarks.machine import describe_machine
from benchmarks.quality.features import Features, Matrix, vectorize
from benchmarks.quality.network import train_and_score
from benchmarks.quality.splits import Truth, encode, read_splits
from benchmarks.quality.trials import TRIALS, Trial
from components.labels.threshold import tune_threshold
from components.labels.threshold_choice import choose_thresholds
from components.metrics.bootstrap import Scored, bootstrap_intervals, paired_bootstrap
from components.trainer.settings import TrainerSettings
from schema import names

_RESULTS: Final = Path("benchmarks/results/quality.json")
FIGURES: Final = ("micro_f1", "macro_f1", "lrap", "ndcg@5", "precision@1")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--seeds", default="0,1,2", show_default=True, help="Split seeds, by commas.")
@click.option("--only", default="", help="Only trials with this in their name.")
@click.option("--again", is_flag=True, help="Trials that have results, too.")
@click.option("--results", type=click.Path(path_type=Path), default=_RESULTS, show_default=True)
def main(data: Path, seeds: str, only: str, again: bool, results: Path) -> None:
    """Trains every trial on every split seed and keeps its validation figures."""
    console = Console()
    known = json.loads(results.read_text()) if results.exists() else {"trials": {}}
    for seed in [int(each) for each in seeds.split(",")]:
        splits = read_splits(data, seed)
        truths = encode(splits)
        cached: tuple[Features, dict[str, Matrix]] | None = None
        first: Scored | None = None
        for trial in TRIALS:
            wanted = trial is TRIALS[0] or only in trial.name
            done = str(seed) in known["trials"].get(trial.name, {}).get("seeds", {})
            # The first one is what the others are compared with.
            if not wanted or (done and not again and trial is not TRIALS[0]):
                continue
            if cached is None or cached[0] != trial.features:
                cached = (trial.features, vectorize(splits, trial.features))
            scored = _score(trial, cached[1], truths, seed)
            first = first or scored
            entry = known["trials"].setdefault(trial.name, {"settings": _settings(trial)})
            figures = _figures(scored, first)
            entry.setdefault("seeds", {})[str(seed)] = {
                **figures,
                "cross_fitted_micro_f1": _cross_fitted(scored, seed),
            }
            known["machine"] = describe_machine()
            results.write_text(json.dumps(known, indent=1) + "\n")
            console.print(f"split {seed}  {trial.name}: {_line(figures)}", soft_wrap=True)
    console.print(table(known["trials"]), soft_wrap=True, markup=False)


def table(trials: Mapping[str, Any]) -> str:
    """Returns the results as a Markdown table: means over the split seeds.

    Beside LRAP and micro-F1 stands by how much they are ahead of the first trial, with the mean
    half width of the paired bootstrap's interval on one split.
    """
    lines = [
        "| configuration | splits | micro-F1 | against start | macro-F1 | LRAP | against start | "
        "nDCG@5 | P@1 |",
        "| --- " * 9 + "|",
    ]
    for trial in TRIALS:
        if trial.name not in trials:
            continue
        seeds = trials[trial.name]["seeds"].values()
        mean = {name: np.mean([each[name]["value"] for each in seeds]) for name in FIGURES}
        ahead = {name: _ahead(name, list(seeds)) for name in ("micro_f1", "lrap")}
        lines.append(
            f"| {trial.name} | {len(seeds)} | {mean['micro_f1']:.4f} | {ahead['micro_f1']} | "
            f"{mean['macro_f1']:.4f} | {mean['lrap']:.4f} | {ahead['lrap']} | "
            f"{mean['ndcg@5']:.4f} | {mean['precision@1']:.4f} |"
        )
    return "\n".join(lines)


def _ahead(name: str, seeds: list[Mapping[str, Any]]) -> str:
    value = np.mean([each[name]["ahead"] for each in seeds])
    half = np.mean([(each[name]["ahead_high"] - each[name]["ahead_low"]) / 2 for each in seeds])
    return f"{value:+.4f} ± {half:.4f}"


def _score(
    trial: Trial, matrices: Mapping[str, Matrix], truths: Mapping[str, Truth], seed: int
) -> Scored:
    others = {names.VALIDATION: matrices[names.VALIDATION]}
    train = matrices[names.TRAIN], truths[names.TRAIN].multi_hot
    logits = train_and_score(*train, others, trial.network, seed)[names.VALIDATION]
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    truth = truths[names.VALIDATION]
    threshold = tune_threshold(truth.multi_hot, probabilities, truth.unknown)
    return Scored(truth.multi_hot, probabilities, threshold, truth.unknown)


def _figures(scored: Scored, first: Scored) -> dict[str, Any]:
    intervals = bootstrap_intervals(
        scored.y_true, scored.probabilities, scored.thresholds, scored.unknown
    )
    ahead = paired_bootstrap(scored, first)
    return {
        name: {
            **asdict(intervals[name]),
            "ahead": ahead[name].value,
            "ahead_low": ahead[name].low,
            "ahead_high": ahead[name].high,
        }
        for name in FIGURES
    }


def _cross_fitted(scored: Scored, seed: int) -> dict[str, float]:
    """Returns micro-F1 by one threshold and by each label's own, on papers not tuned on."""
    chosen = choose_thresholds(
        scored.y_true,
        scored.probabilities,
        scored.unknown,
        float(scored.thresholds),
        "auto",
        TrainerSettings().threshold_shrinkage,
        seed,
    )
    return chosen.cross_fitted_micro_f1


def _settings(trial: Trial) -> dict[str, Any]:
    return {"features": asdict(trial.features), "network": asdict(trial.network)}


def _line(figures: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {figures[name]['value']:.4f}" for name in FIGURES)


if __name__ == "__main__":
    main()
