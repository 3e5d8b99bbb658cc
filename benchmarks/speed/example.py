"""The Keras example "Large-scale multi-label text classification", step by step, with a clock.

From the CSV to test figures and a model for raw text: dense batches of
`TextVectorization(ngrams=2, output_mode="tf_idf")`, two hidden layers, Adam, 20 epochs. One thing
differs: the papers of each split are those of our ExampleGen, so that test figures compare.

Run it as `python -m benchmarks.speed.example --data FILE`.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import click
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.speed.tables import EXAMPLE_EPOCHS
from benchmarks.splits import Truth, encode, read_splits
from components.labels.thresholds import tune_threshold
from components.metrics.classification import count_labels, micro_f1
from components.metrics.ranking import lrap
from components.papers.raw_paper import RawPaper
from schema import names

_BATCH: Final = 128
_HIDDEN: Final = (512, 256)
_FLOAT_BYTES: Final = 4


class _Epochs(keras.callbacks.Callback):
    """Seconds and figures of each epoch, its validation included."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[dict[str, float]] = []
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        seconds = time.perf_counter() - self._began
        self.all.append({**logs, "seconds": seconds})
        click.echo(json.dumps(self.all[-1]), err=True)


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--epochs", default=EXAMPLE_EPOCHS, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A JSON file.")
def main(data: Path, epochs: int, output: Path) -> None:
    """Runs the example and writes what each step took."""
    output.write_text(json.dumps(run_example(data, epochs), indent=2) + "\n", "utf-8")


def run_example(data: Path, epochs: int) -> dict[str, Any]:
    """Runs the example; returns its steps' seconds, its epochs, its size and its figures."""
    keras.utils.set_random_seed(0)
    seconds: dict[str, float] = {}
    began = time.perf_counter()

    def done(step: str) -> None:
        seconds[step] = time.perf_counter() - began - sum(seconds.values())

    splits = {name: _shuffled(papers) for name, papers in read_splits(data).items()}
    truths = encode(splits)
    done("read")
    size = distinct_words(splits[names.TRAIN])
    vectorize = keras.layers.TextVectorization(max_tokens=size, ngrams=2, output_mode="tf_idf")
    texts = {name: [paper.abstract for paper in papers] for name, papers in splits.items()}
    vectorize.adapt(tf.data.Dataset.from_tensor_slices(texts[names.TRAIN]).batch(_BATCH))
    done("adapt")
    batches = {name: _batches(texts[name], truths[name], name, vectorize) for name in names.SPLITS}
    labels = truths[names.TRAIN][0].shape[1]
    network = keras.Sequential([keras.layers.Dense(units, "relu") for units in _HIDDEN])
    network.add(keras.layers.Dense(labels, "sigmoid"))
    network.compile(loss="binary_crossentropy", optimizer="adam", metrics=["binary_accuracy"])
    clock = _Epochs()
    network.fit(
        batches[names.TRAIN],
        validation_data=batches[names.VALIDATION],
        epochs=epochs,
        callbacks=[clock],
        verbose=0,
    )
    done("train")
    network.evaluate(batches[names.TEST], verbose=0)
    done("evaluate")
    with tempfile.TemporaryDirectory() as folder:
        served = keras.Sequential([vectorize, network])
        served(tf.constant(texts[names.TEST][:1]))
        served.export(folder, verbose=False)
        exported = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    done("export")
    probabilities = {
        name: network.predict(batches[name], verbose=0) for name in (names.VALIDATION, names.TEST)
    }
    return {
        "papers": {name: len(papers) for name, papers in splits.items()},
        "max_tokens": size,
        "labels": labels,
        "seconds": seconds,
        "epochs": clock.all,
        "weights_bytes": _FLOAT_BYTES * network.count_params(),
        "exported_bytes": exported,
        "test": _score(truths, probabilities),
    }


def _score(
    truths: dict[str, Truth], probabilities: dict[str, NDArray[np.float32]]
) -> dict[str, float]:
    """Returns LRAP and micro-F1 of the test split, at the cut that is best on validation."""
    truth, unknown = truths[names.VALIDATION]
    cut = tune_threshold(truth, probabilities[names.VALIDATION], unknown)
    truth, unknown = truths[names.TEST]
    scores = probabilities[names.TEST]
    return {
        "lrap": float(lrap(truth, scores, unknown).mean()),
        "micro_f1": micro_f1(count_labels(truth, scores, cut, unknown)),
    }


def _shuffled(papers: list[RawPaper]) -> list[RawPaper]:
    """Mixes papers that come by label set, as the example's own split does.

    Its buffer of ten batches alone would leave each batch with few labels.
    """
    order = np.random.default_rng(0).permutation(len(papers))
    return [papers[i] for i in order]


def distinct_words(papers: list[RawPaper]) -> int:
    """Returns what the example takes for `max_tokens`: the distinct lower-cased words."""
    return len({word for paper in papers for word in paper.abstract.lower().split()})


def _batches(
    texts: list[str], truth: Truth, split: str, vectorize: keras.layers.TextVectorization
) -> tf.data.Dataset:
    """Returns dense TF-IDF batches, made anew in every epoch, as in the example."""
    papers = tf.data.Dataset.from_tensor_slices((texts, truth[0].astype(np.float32)))
    if split == names.TRAIN:
        papers = papers.shuffle(_BATCH * 10)
    return (
        papers.batch(_BATCH)
        .map(lambda text, label: (vectorize(text), label), num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


if __name__ == "__main__":
    main()
