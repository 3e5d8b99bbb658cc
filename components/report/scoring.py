"""Scores the test papers with the candidate's own SavedModel."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf

from components.metrics.bootstrap import Scored
from components.metrics.inputs import Array, IntVector
from components.papers.examples import raw_examples
from schema import names
from serving.model_metadata import ModelMetadata

_BATCH: Final = 256


class SampledPapers(NamedTuple):
    """The test papers, or a seeded sample of them.

    Attributes:
        total: Number of papers in the split.
        rows: Their rows in the split, rising, [n].
        records: Their serialized raw examples, [n].
    """

    total: int
    rows: IntVector
    records: list[bytes]


def read_test_papers(split_dir: str, most: int, seed: int) -> SampledPapers:
    """Reads the papers of a split in the order of its sorted files, or a seeded sample of them.

    Args:
        split_dir: The split's folder, with gzipped TFRecord files.
        most: Maximum number of papers.
        seed: Seed of the sample.
    """
    records = raw_examples(split_dir)
    total = int(records.reduce(np.int64(0), lambda count, _: count + 1).numpy())
    rows = np.arange(total)
    if total > most:
        rows = np.sort(np.random.default_rng(seed).choice(total, most, replace=False))
    wanted = set(rows.tolist())
    kept = [record for row, record in enumerate(records.as_numpy_iterator()) if row in wanted]
    return SampledPapers(total, rows, kept)


def score(loaded: Any, model: ModelMetadata, papers: SampledPapers) -> Scored:
    """Scores papers through the signatures that the Evaluator uses.

    Args:
        loaded: The SavedModel.
        model: What it says of itself.
        papers: n papers.

    Returns:
        The truth and the probabilities, float32 [n, L], and the model's thresholds, [n, 1].
    """
    evaluate = loaded.signatures[names.SIGNATURE_EVALUATE]
    transform = loaded.signatures[names.SIGNATURE_TRANSFORM]
    width = len(model.labels)
    truth: list[Array] = [np.zeros((0, width), np.float32)]
    probabilities: list[Array] = [np.zeros((0, width), np.float32)]
    unknown: list[Array] = [np.zeros(0, np.int64)]
    known_share: list[Array] = [np.zeros(0, np.float32)]
    for start in range(0, len(papers.records), _BATCH):
        batch = {names.INPUT_EXAMPLES: tf.constant(papers.records[start : start + _BATCH])}
        raw = transform(**batch)
        truth.append(raw[names.LABELS].numpy())
        unknown.append(raw[names.UNKNOWN_LABELS].numpy())
        found = evaluate(**batch)
        probabilities.append(found[names.OUTPUT_PROBABILITIES].numpy())
        shares = found.get(names.OUTPUT_KNOWN_SHARE)
        known_share.append(np.ones(len(truth[-1])) if shares is None else shares.numpy())
    is_known = np.concatenate(known_share)[:, np.newaxis] > 0
    return Scored(
        y_true=np.concatenate(truth),
        probabilities=np.concatenate(probabilities),
        thresholds=np.where(is_known, np.float32(model.threshold), np.float32(np.inf)),
        unknown=np.concatenate(unknown),
    )
