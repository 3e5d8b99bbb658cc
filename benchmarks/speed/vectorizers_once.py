"""Runs Keras's TextVectorization or scikit-learn's TfidfVectorizer once, and prints when."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import click

from benchmarks.speed.observe import print_interval
from schema import names

_BATCH: Final = 128

Texts = dict[str, list[str]]


@click.command()
@click.option("--texts", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--max-tokens", type=int, required=True)
@click.option("--tool", type=click.Choice(["keras", "sklearn"]), required=True)
def main(texts: Path, max_tokens: int, tool: str) -> None:
    """Analyses the training texts and transforms all; TEXTS is JSON, a list for each split."""
    of_splits: Texts = json.loads(texts.read_text("utf-8"))
    run = run_keras if tool == "keras" else run_sklearn
    print_interval(*run(of_splits, max_tokens))


def run_keras(texts: Texts, max_tokens: int) -> tuple[float, float]:
    """Adapts TextVectorization, then maps it over dense batches as the Keras example does."""
    import keras
    import tensorflow as tf

    def batches(split: str) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(texts[split]).batch(_BATCH)

    vectorize = keras.layers.TextVectorization(
        max_tokens=max_tokens, ngrams=2, output_mode="tf_idf"
    )
    began = time.time()
    vectorize.adapt(batches(names.TRAIN))
    for split in names.SPLITS:
        dense = batches(split).map(vectorize, num_parallel_calls=tf.data.AUTOTUNE)
        for _ in dense.prefetch(tf.data.AUTOTUNE):
            pass
    return began, time.time()


def run_sklearn(texts: Texts, max_tokens: int) -> tuple[float, float]:
    """Fits TfidfVectorizer, which gives the training matrix, then transforms the other splits."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), max_features=max_tokens)
    began = time.time()
    train = vectorizer.fit_transform(texts[names.TRAIN])
    # All kept in memory, as for training.
    matrices = [train, *(vectorizer.transform(texts[each]) for each in names.SPLITS[1:])]
    ended = time.time()
    del matrices
    return began, ended


if __name__ == "__main__":
    main()
