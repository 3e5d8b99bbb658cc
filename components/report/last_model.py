"""What each label gained and lost against the last blessed model, on papers new to that model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.metrics.bootstrap import Scored
from components.metrics.changes import changed_labels
from components.metrics.classification import count_labels, label_f1, label_recall
from components.papers.paper_keys import are_train_papers, read_train_keys
from components.report.scoring import BATCH
from schema import names
from serving.model_metadata import ModelMetadata


def against_last(
    own: Scored, labels: Sequence[str], records: Sequence[bytes], last: str, level: float
) -> dict[str, Any] | None:
    """Compares the labels that both models know.

    Args:
        own: The model's scores for n papers.
        labels: Its vocabulary.
        records: The papers' serialized raw examples, [n].
        last: The folder of the last blessed Model artifact.
        level: As in `changed_labels`.

    Returns:
        None if the last model is gone, or was trained on all of the papers. Else `papers`, the
        number of papers that it was not trained on; `labels`, for each label `label`, `support`,
        `f1` and `recall`, `last_f1` and `last_recall`, `gained` and `lost` (papers on which only
        this model is right, and only the last), and `change`: `better` or `worse` where these
        differ by more than chance and F1 changed in the same direction, else empty; `new` and
        `gone`, the labels that only one of the models knows.
    """
    saved_model = path_utils.serving_model_path(last)
    if not fileio.exists(saved_model):
        return None
    known = ModelMetadata(saved_model, fileio.open).labels
    both = [label for label in labels if label in set(known)]
    texts = tf.io.parse_example(
        list(records),
        {
            name: tf.io.FixedLenFeature([], tf.string, "")
            for name in (names.TITLES, names.SUMMARIES)
        },
    )
    seen = are_train_papers(read_train_keys(last), texts[names.TITLES], texts[names.SUMMARIES])
    rows = np.flatnonzero(~seen)
    if not rows.size:
        return None
    evaluate = tf.saved_model.load(saved_model).signatures[names.SIGNATURE_EVALUATE]
    before = np.concatenate(
        [
            evaluate(**{names.INPUT_EXAMPLES: tf.constant([records[row] for row in part])})[
                names.OUTPUT_SUGGESTED
            ].numpy()
            for part in np.array_split(rows, -(-rows.size // BATCH))
        ]
    )
    columns = [labels.index(label) for label in both]
    truth, now = own.y_true[rows][:, columns], own.suggested[rows][:, columns]
    before = before[:, [known.index(label) for label in both]]
    gained, lost, clear = changed_labels(truth, now, before, level=level)
    counts, last_counts = (count_labels(truth, each, 0.5) for each in (now, before))
    f1, last_f1 = label_f1(counts), label_f1(last_counts)
    changes = np.where((gained > lost) & (f1 > last_f1), "better", "")
    changes = np.where((gained < lost) & (f1 < last_f1), "worse", changes)
    columns_of = {
        "label": both,
        "support": counts.true.tolist(),
        "f1": f1.tolist(),
        "last_f1": last_f1.tolist(),
        "recall": label_recall(counts).tolist(),
        "last_recall": label_recall(last_counts).tolist(),
        "gained": gained.tolist(),
        "lost": lost.tolist(),
        "change": np.where(clear, changes, "").tolist(),
    }
    return {
        "papers": rows.size,
        "labels": [
            dict(zip(columns_of, row, strict=True))
            for row in zip(*columns_of.values(), strict=True)
        ],
        "new": [label for label in labels if label not in set(known)],
        "gone": [label for label in known if label not in set(labels)],
    }
