"""Scores the tries on the validation papers of a finished run of the default profile.

    python -m benchmarks.tries --run OUT --data FILE --cache FOLDER --members 1 --seeds 0,1,2,3,4

prints a row for each try: its figures, the mean over the seeds, and the mean difference from the
product at the same seeds with its standard error. Logits are kept in the cache folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD

from benchmarks.tries.correlation import learn_correlation
from benchmarks.tries.features import Floats, Papers, read_left_out, read_split
from benchmarks.tries.label_sets import Chosen, Probabilities, best_expected_f1, label_thresholds
from benchmarks.tries.network import fit, predict
from components.labels.thresholds import half_of_best_f1, tune_threshold
from components.metrics.classification import (
    count_labels,
    label_f1,
    macro_average,
    micro_f1,
)
from components.metrics.ranking import lrap
from components.trainer.loss import positive_weights
from pipeline.config import load_config

FIGURES: Final = ("LRAP", "micro-F1", "macro-F1")
_RARE_PAPERS: Final = 200
_TEACHER_SEED: Final = 10


class Tries:
    """What all tries share: papers, settings, and logits that were computed before."""

    def __init__(self, run: Path, csv: Path, cache: Path, members: int) -> None:
        self._cache = cache
        self.train, self.val = read_split(run, "train"), read_split(run, "val")
        self.left = read_left_out(run, csv)
        settings = load_config("default").trainer
        self.one = settings.model_copy(update={"ensemble_size": 1})
        self.settings = settings.model_copy(update={"ensemble_size": members})
        self.counts = self.train.labels.sum(axis=0).astype(np.int64)
        self.weights = positive_weights(self.counts, settings.rare_label_weight)

    def kept(self, name: str, compute: Callable[[], Floats]) -> Floats:
        """Computes something, or reads it where it was computed before."""
        file = self._cache / f"{name}.npy"
        if not file.exists():
            np.save(file, compute())
        found: Floats = np.load(file)
        return found

    def out_of_fold(self, folds: int) -> Floats:
        """Returns logits of the training papers by networks that never saw them."""
        fold = np.random.default_rng(0).permutation(len(self.train.labels)) % folds

        def compute() -> Floats:
            logits = np.zeros_like(self.train.labels)
            for each in range(folds):
                others = self.train.where(fold != each)
                counts = others.labels.sum(axis=0).astype(np.int64)
                model = fit(others, self.one, counts, len(others.labels))
                logits[fold == each] = predict(model, self.train.rows[fold == each])
            return logits

        return self.kept(f"out_of_fold_{folds}", compute)

    def honest(self, logits: Floats) -> Floats:
        """Returns probabilities without what the rare labels' weights add to them."""
        return _sigmoid(logits - np.log(self.weights)).astype(np.float32)

    def logits(self, name: str, seed: int) -> Floats:
        """Trains a try by its name and returns the validation papers' logits."""
        key = f"{name}, {self.settings.ensemble_size} of seed {seed}"
        return self.kept(key, lambda: self._train(name, seed))

    def _train(self, name: str, seed: int) -> Floats:
        settings = self.settings.model_copy(update={"seed": seed})
        papers, rows = self.train, self.val.rows
        if name.startswith("soft labels"):
            share = float(name.split()[-1])
            soft = self.honest(self.out_of_fold(5))
            mixed = (1 - share) * papers.labels + share * soft
            if "false cells" in name:
                mixed = np.maximum(papers.labels, share * soft)
            papers = Papers(papers.rows, mixed.astype(np.float32))
        if name.startswith("left-out papers") and "pseudo" not in name:
            papers = papers + self.left
        if name == "left-out papers, pseudo-labels":
            papers = papers + Papers(self.left.rows, self._pseudo_labels())
        if name == "LSA":
            svd = TruncatedSVD(128, random_state=0, n_iter=3).fit((papers + self.left).rows)
            papers = Papers(_with_lsa(svd, papers.rows), papers.labels)
            rows = _with_lsa(svd, rows)
        counts, total = self.counts, len(self.train.labels)
        if name.startswith("left-out papers") and "same weights" not in name:
            counts = np.rint(papers.labels.sum(axis=0)).astype(np.int64)
            total = len(papers.labels)
        correlate = name == "correlation, trained with the network"
        return predict(fit(papers, settings, counts, total, correlate), rows)

    def _pseudo_labels(self) -> Floats:
        teacher = self.one.model_copy(update={"seed": _TEACHER_SEED})
        train = self.train, teacher, self.counts, len(self.train.labels)
        return self.kept("pseudo_labels", lambda: self.honest(predict(fit(*train), self.left.rows)))


@click.command()
@click.option("--run", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--cache", type=click.Path(path_type=Path), required=True)
@click.option("--members", default=1)
@click.option("--seeds", default="0,1,2,3,4")
@click.option("--only", default="", help="Part of a name: tries without it are left out.")
def main(run: Path, data: Path, cache: Path, members: int, seeds: str, only: str) -> None:
    """Prints the table."""
    cache.mkdir(parents=True, exist_ok=True)
    tries = Tries(run, data, cache, members)
    numbers = [int(each) for each in seeds.split(",")]
    truth = tries.val.labels > 0
    start = {seed: tries.logits("start", seed) for seed in numbers}
    base = np.array([_figures(truth, start[seed]) for seed in numbers])
    click.echo(_row("start", base, base))
    for name in (
        "soft labels 0.3",
        "soft labels 0.6",
        "soft labels in false cells 0.5",
        "left-out papers",
        "left-out papers, same weights",
        "left-out papers, pseudo-labels",
        "LSA",
        "correlation, trained with the network",
    ):
        if only in name:
            figures = [_figures(truth, tries.logits(name, seed)) for seed in numbers]
            click.echo(_row(name, np.array(figures), base))
    for folds in (5, 2):
        for linear in (False, True):
            name = f"correlation, {folds} folds" + (", linear" if linear else "")
            if only in name:
                layer = learn_correlation(tries.out_of_fold(folds), tries.train.labels, linear)
                figures = [_figures(truth, layer(start[seed])) for seed in numbers]
                click.echo(_row(name, np.array(figures), base))
    for name, choose in _choices(tries).items():
        if only in name:
            figures = [_figures(truth, start[seed], choose) for seed in numbers]
            click.echo(_row(name, np.array(figures), base))


Choose = Callable[[Floats, float], Chosen]


def _choices(tries: Tries) -> dict[str, Choose]:
    """Returns rules from logits and the threshold to the labels that are suggested."""
    truth, rare = tries.train.labels > 0, tries.counts <= _RARE_PAPERS
    of_label = label_thresholds(_sigmoid(tries.out_of_fold(5)), truth, 0.25)
    quarter = 0.25 * np.log(tries.weights)
    return {
        "expected F1": lambda logits, _: best_expected_f1(_sigmoid(logits)),
        "expected F1, honest": lambda logits, _: best_expected_f1(
            tries.honest(logits).astype(np.float64)
        ),
        "label thresholds": lambda logits, _: _sigmoid(logits) >= of_label,
        "label thresholds of rare ones": lambda logits, cut: (
            _sigmoid(logits) >= np.where(rare, np.minimum(of_label, cut), cut)
        ),
        "rare ones easier": lambda logits, cut: _sigmoid(logits + quarter) >= cut,
    }


def _figures(truth: Chosen, logits: Floats, choose: Choose | None = None) -> list[float]:
    probabilities = _sigmoid(logits)
    best = micro_f1(count_labels(truth, probabilities, tune_threshold(truth, probabilities)))
    cut = half_of_best_f1(best)
    chosen = probabilities >= cut if choose is None else choose(logits, cut)
    counts = count_labels(truth, chosen.astype(np.float32), 0.5)
    return [
        float(lrap(truth, probabilities).mean()),
        micro_f1(counts),
        macro_average(label_f1(counts)),
    ]


def _row(name: str, figures: NDArray[np.float64], base: NDArray[np.float64]) -> str:
    cells = []
    for figure, difference in zip(figures.T, (figures - base).T, strict=True):
        error = difference.std(ddof=1) / len(difference) ** 0.5 if len(difference) > 1 else 0.0
        cells.append(f"{figure.mean():.4f} | {difference.mean():+.4f} ± {error:.4f}")
    return f"| {name} | {' | '.join(cells)} |"


def _sigmoid(logits: Floats) -> Probabilities:
    found: Probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return found


def _with_lsa(svd: TruncatedSVD, rows: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Returns the features with half as long a row of the text's LSA beside them."""
    found = svd.transform(rows)
    found *= 0.5 / np.linalg.norm(found, axis=1, keepdims=True)
    return scipy.sparse.hstack([rows, scipy.sparse.csr_matrix(found.astype(np.float32))]).tocsr()


if __name__ == "__main__":
    main()
