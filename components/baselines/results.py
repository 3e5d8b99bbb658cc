"""Writes and reads the baselines' scores and metrics on the test papers."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tfx.dsl.io import fileio

from schema import names

# All but the scores themselves.
_IN_JSON: Final = ("threshold", "trained_on", "figures", "labels")


@dataclass(frozen=True)
class BaselineScores:
    """A baseline's scores for the test papers.

    Attributes:
        name: As in BaselineSettings.
        labels: The labels of the training papers, most frequent first; one for each column.
        scores: Scores in [0, 1], float32 [n, L]; a row for each test paper, in the order of the
            sorted files of the split and of their records.
        threshold: Minimum score to suggest, tuned on validation.
        trained_on: Number of papers it was trained on, which a setting may cap.
        figures: Its metrics on the test split, as `components.metrics.sums.measure` returns them.
    """

    name: str
    labels: list[str]
    scores: NDArray[np.float32]
    threshold: float
    trained_on: int
    figures: dict[str, float]

    def scores_for(self, labels: Sequence[str]) -> NDArray[np.float32]:
        """Returns the scores of these labels, [n, len(labels)]; 0 for labels it doesn't know."""
        known = pd.DataFrame(self.scores, columns=self.labels)
        return np.asarray(known.reindex(columns=labels, fill_value=0), np.float32)


def write_baselines(uri: str, baselines: Sequence[BaselineScores]) -> None:
    """Writes the scores as `scores.npz` and everything else as `baselines.json`.

    Args:
        uri: The artifact's folder.
        baselines: The scores; may be empty.
    """
    packed = io.BytesIO()
    scores: dict[str, Any] = {each.name: each.scores for each in baselines}
    np.savez_compressed(packed, **scores)
    about = {each.name: {key: getattr(each, key) for key in _IN_JSON} for each in baselines}
    fileio.makedirs(uri)
    with fileio.open(f"{uri}/{names.BASELINE_SCORES_FILE}", "wb") as file:
        file.write(packed.getvalue())
    with fileio.open(f"{uri}/{names.BASELINES_FILE}", "w") as file:
        file.write(json.dumps(about, indent=2) + "\n")


def read_baselines(uri: str) -> dict[str, BaselineScores]:
    """Reads what `write_baselines` wrote, by the baselines' names in the same order.

    Args:
        uri: The folder of a Baselines artifact.
    """
    with fileio.open(f"{uri}/{names.BASELINES_FILE}", "r") as file:
        about = json.loads(file.read())
    with fileio.open(f"{uri}/{names.BASELINE_SCORES_FILE}", "rb") as file:
        packed = io.BytesIO(file.read())
    with np.load(packed, allow_pickle=False) as scores:
        return {
            name: BaselineScores(name=name, scores=scores[name], **each)
            for name, each in about.items()
        }
