"""What TFX hands to `run_fn`, on few papers of a real transform graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from components.trainer.settings import TrainerSettings
from schema import names
from tests.support.trainer_papers import Paper, write
from tests.support.transform_graph import Analysis

PAPERS = 48


def transformed_papers(analysis: Analysis) -> list[Paper]:
    """The papers of an analysis as Transform writes them."""
    weights, labels = analysis.matrix(names.TFIDF), analysis.matrix(names.LABELS)
    unknown = analysis.features[names.UNKNOWN_LABELS].numpy()
    keys = analysis.features[names.PAPER_KEY].numpy()
    return [
        Paper(
            ids=row.nonzero()[0].tolist(),
            weights=row[row.nonzero()].tolist(),
            labels=truth.nonzero()[0].tolist(),
            unknown=int(missed),
            key=int(key),
        )
        for row, truth, missed, key in zip(weights, labels, unknown, keys, strict=True)
    ]


def run_arguments(analysis: Analysis, inputs: str, outputs: str, **settings: Any) -> dict[str, Any]:
    """Writes train and validation papers; returns the arguments by name.

    Args:
        analysis: Papers and their transform graph.
        inputs: Folder for the transformed examples.
        outputs: Folder of the model and of the logs.
        **settings: Of TrainerSettings.
    """
    papers = transformed_papers(analysis)
    tf.io.gfile.makedirs(inputs)
    files = {"train": papers[:PAPERS], "val": papers[PAPERS:]}
    for split, part in files.items():
        write(part, f"{inputs}/{split}-00000-of-00001")
    return {
        "custom_config": {"settings": TrainerSettings(**settings).model_dump_json(), "top_k": 3},
        "transform_graph_path": analysis.output.transform_savedmodel_dir.rpartition("/")[0],
        "train_files": [f"{inputs}/train-*"],
        "eval_files": [f"{inputs}/val-*"],
        "serving_model_dir": f"{outputs}/model/Format-Serving",
        "model_run_dir": f"{outputs}/run",
        "hyperparameters": None,
    }


def as_namespace(arguments: dict[str, Any]) -> SimpleNamespace:
    """The arguments as `run_fn` takes them."""
    return SimpleNamespace(**arguments)
