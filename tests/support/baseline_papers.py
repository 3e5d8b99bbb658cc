"""Small made papers whose words tell their labels, as objects and as raw examples on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.papers.examples import serialize_paper
from components.papers.raw_paper import RawPaper

LABELS = ("cs.LG", "cs.CV", "stat.ML", "math.OC", "eess.IV")
# How likely each label is on its own, so that no two are equally frequent.
SHARES = (0.8, 0.5, 0.3, 0.15, 0.08)
WORDS = (
    ("learning", "network", "gradient"),
    ("image", "pixel", "camera"),
    ("bayes", "posterior", "kernel"),
    ("convex", "optimum", "duality"),
    ("denoising", "radar", "tomography"),
)


def made_papers(count: int, seed: int = 0) -> list[RawPaper]:
    """Papers with at least one label, and two typical words for each label among noise."""
    rng = np.random.default_rng(seed)
    papers = []
    for _ in range(count):
        chosen = np.flatnonzero(rng.random(len(LABELS)) < SHARES)
        columns = chosen.tolist() or [0]
        words = [str(word) for each in columns for word in rng.choice(WORDS[each], 2)]
        words += [f"noise{number}" for number in rng.integers(0, 30, 6)]
        rng.shuffle(words)
        papers.append(RawPaper("", " ".join(words), tuple(LABELS[each] for each in columns)))
    return papers


def write_split(folder: Path, papers: list[RawPaper], title: str = "", files: int = 1) -> Path:
    """Writes raw examples, each file a stretch of the papers, and returns the folder."""
    folder.mkdir(parents=True)
    for part, rows in enumerate(np.array_split(np.arange(len(papers)), files)):
        path = folder / f"data_tfrecord-{part:05d}-of-{files:05d}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for row in rows:
                writer.write(serialize_paper(replace(papers[row], title=title)))
    return folder
