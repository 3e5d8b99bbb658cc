"""Writes the SavedModel that TF Serving loads."""

from __future__ import annotations

import json
from typing import Any

import tensorflow as tf

from components.trainer.settings import TrainerSettings
from components.trainer.signatures import ServedTagger
from components.trainer.train import TrainingResult
from schema import names
from serving.warmup import write_warmup_requests


def export_model(tagger: ServedTagger, directory: str, info: dict[str, Any]) -> None:
    """Saves a model with all its signatures and its warm-up requests.

    Args:
        tagger: The model.
        directory: Folder of the SavedModel; created if missing.
        info: Facts about the model for people and tools, kept as JSON in `assets.extra`, with
            what it `lacks`, if anything: signatures and outputs that our own models have.
    """
    # Nobody trains it further; the first layer's gradient is made of what can't be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(tagger, directory, signatures=tagger.signatures(), options=options)
    # TF Serving's Classify API answers only for a signature with this method name, which
    # TF 2's save has no way to set.
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(directory)
    updater.replace_method_name(
        signature_key=names.SIGNATURE_CLASSIFY, method_name=names.CLASSIFY_METHOD_NAME, tags="serve"
    )
    updater.save()
    extra = tf.io.gfile.join(directory, names.EXTRA_ASSETS_DIR)
    tf.io.gfile.makedirs(extra)
    facts = {**info, "lacks": sorted(tagger.lacks)} if tagger.lacks else info
    with tf.io.gfile.GFile(tf.io.gfile.join(extra, names.MODEL_INFO_FILE), "w") as file:
        file.write(json.dumps(facts, indent=2, sort_keys=True) + "\n")
    write_warmup_requests(directory)


def model_info(result: TrainingResult, settings: TrainerSettings) -> dict[str, Any]:
    """Returns the facts about a trained model that are kept beside it.

    These are `threshold`; `thresholds`, the rule it was chosen by; `epochs` that ran,
    `kept_epoch`, its `validation` figures, and the trainer's `settings`.
    """
    kept = result.kept_epoch
    return {
        "threshold": result.threshold,
        "thresholds": settings.thresholds,
        "epochs": len(result.history["loss"]),
        "kept_epoch": kept,
        "validation": {
            name: values[kept - 1]
            for name, values in result.history.items()
            if name.startswith("val_")
        },
        "settings": json.loads(settings.model_dump_json()),
    }
