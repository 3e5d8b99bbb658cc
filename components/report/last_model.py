"""What each label gained and lost against the last blessed model, on papers new to that model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.metrics.bootstrap import Scored
from components.metrics.changes import changed_labels
from components.metrics.classification import count_labels, label_f1, label_recall
from components.papers.paper_keys import are_train_papers, read_train_keys
from components.report.scoring import SampledPapers, score
from schema import names
from serving.model_metadata import ModelMetadata

_TEXTS = {
    name: tf.io.FixedLenFeature([], tf.string, "") for name in (names.TITLES, names.SUMMARIES)
}


def against_last(
    own: Scored, labels: Sequence[str], papers: SampledPapers, last: str, level: float
) -> dict[str, Any] | None:
    """Compares the labels that both models know.

    Args:
        own: The model's scores for n papers.
        labels: Its vocabulary.
        papers: The papers.
        last: The folder of the last blessed Model artifact.
        level: As in `changed_labels`.

    Returns:
        None if the last model is gone, or was trained on all of the papers. Else `papers`, the
        number of papers that it was not trained on; `new` and `gone`, the labels that only one of
        the models knows; and `labels`, for each other one `label`, `support`, `f1` and `recall`,
        `last_f1` and `last_recall`, `gained` and `lost` (papers on which only this model is right,
        and only the last), and `change`: `better` or `worse` where these differ by more than
        chance and F1 changed in the same direction, else empty.
    """
    saved_model = path_utils.serving_model_path(last)
    texts = tf.io.parse_example(papers.records, _TEXTS)
    seen = are_train_papers(read_train_keys(last), *(texts[name].numpy() for name in _TEXTS))
    rows = np.flatnonzero(~seen)
    if not fileio.exists(saved_model) or not rows.size:
        return None
    model = ModelMetadata(saved_model, fileio.open)
    known = {label: column for column, label in enumerate(model.labels)}
    both = [column for column, label in enumerate(labels) if label in known]
    truth, now = own.y_true[rows][:, both], own.suggested[rows][:, both]
    new = SampledPapers(papers.total, papers.rows[rows], [papers.records[row] for row in rows])
    before = score(tf.saved_model.load(saved_model), model, new).suggested
    before = before[:, [known[labels[column]] for column in both]]
    gained, lost, clear = changed_labels(truth, now, before, level=level)
    counts, last_counts = count_labels(truth, now, 0.5), count_labels(truth, before, 0.5)
    table = pd.DataFrame(
        {
            "label": [labels[column] for column in both],
            "support": counts.true,
            "f1": label_f1(counts),
            "last_f1": label_f1(last_counts),
            "recall": label_recall(counts),
            "last_recall": label_recall(last_counts),
            "gained": gained,
            "lost": lost,
            "change": "",
        }
    )
    table.loc[clear & (gained > lost) & (table.f1 > table.last_f1), "change"] = "better"
    table.loc[clear & (gained < lost) & (table.f1 < table.last_f1), "change"] = "worse"
    return {
        "papers": rows.size,
        "new": [label for label in labels if label not in known],
        "gone": sorted(known.keys() - set(labels)),
        "labels": table.to_dict("records"),
    }
