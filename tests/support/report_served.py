"""A toy SavedModel and its test papers, as Trainer and ExampleGen write them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.support.saved_models import TAGGER_LABELS, feature_example, small_tagger

LABELS = [label.decode() for label in TAGGER_LABELS]
THRESHOLD = 0.4


def save_model(folder: Path, **info: object) -> str:
    """The toy model of tests.support with the files that our export adds."""
    small_tagger(folder, threshold=THRESHOLD)
    (folder / "assets" / "labels").write_bytes(b"".join(label + b"\n" for label in TAGGER_LABELS))
    (folder / "assets" / "ngrams").write_text("[UNK]\nof\nthe\n")
    extra = folder / "assets.extra"
    extra.mkdir()
    about = {"threshold": THRESHOLD, "thresholds": "global", "kept_epoch": 2, **info}
    (extra / "model_info.json").write_text(json.dumps(about))
    return str(folder)


def draw_papers(count: int, seed: int = 0) -> list[bytes]:
    """Serialized papers; some have no title, some a label that the model doesn't know."""
    dice = random.Random(seed)
    return [
        feature_example(
            titles=[dice.choice(["", f"Paper {number}"])],
            summaries=["".join(dice.choices("cs.LVMathO ", k=dice.randint(0, 40)))],
            terms=dice.sample([*LABELS, "unknown", "other"], dice.randint(1, 4)),
        )
        for number in range(count)
    ]


def write_split(folder: Path, records: list[bytes], files: int = 3) -> str:
    """The records in gzipped files, a slice of them in each."""
    folder.mkdir(parents=True)
    size = -(-len(records) // files)
    for number in range(files):
        path = str(folder / f"data_tfrecord-{number:05d}.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for record in records[number * size : (number + 1) * size]:
                writer.write(record)
    return str(folder)


def expected_scores(record: bytes) -> np.ndarray:
    """The toy model's scores for a paper, computed from its definition, [4]."""
    feature = tf.train.Example.FromString(record).features.feature
    text = b"".join(feature[name].bytes_list.value[0] for name in ("titles", "summaries"))
    counts = [sum(text.count(bytes([code])) for code in set(label)) for label in TAGGER_LABELS]
    return 1 / (1 + np.exp(1 - np.array(counts) / 10))


def is_silent(record: bytes) -> bool:
    """Whether the toy model knows no letter of a paper."""
    feature = tf.train.Example.FromString(record).features.feature
    text = b"".join(feature[name].bytes_list.value[0] for name in ("titles", "summaries"))
    return not set(text) & set(b"".join(TAGGER_LABELS))


def true_labels(record: bytes) -> list[str]:
    feature = tf.train.Example.FromString(record).features.feature
    return [label.decode() for label in feature["terms"].bytes_list.value]
