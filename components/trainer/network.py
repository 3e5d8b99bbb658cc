"""The network that a profile asks for: ours, or one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from components.own_parts import blamed_on, load_function
from components.trainer.input_pipeline import label_count, model_inputs, vocabulary_size
from components.trainer.model import build_model, build_served_model
from components.trainer.settings import TrainerSettings
from schema import names
from schema.errors import UsageError


def build_network(
    feature_spec: Mapping[str, Any], settings: TrainerSettings, *, served: bool = False, **ours: Any
) -> keras.Model:
    """Builds a network from a dictionary of features to logits, not compiled.

    Args:
        feature_spec: Of the transformed examples.
        settings: What kind of network, or the function that builds it.
        served: Whether it is to be validated and exported; fill it with `copy_weights`.
        ours: What else `model.build_model` takes.

    Raises:
        UsageError: It doesn't suit the features or the labels.
    """
    if settings.build_model is not None:
        return _build_own(settings.build_model, feature_spec, settings)
    if names.TFIDF not in feature_spec:
        raise UsageError(
            "features.preprocessing_fn returns no `tfidf`, which our network reads: return it, or "
            "name a network of your own in trainer.build_model"
        )
    build = build_served_model if served else build_model
    return build(vocabulary_size(feature_spec), label_count(feature_spec), settings, **ours)


def _build_own(
    path: str, feature_spec: Mapping[str, Any], settings: TrainerSettings
) -> keras.Model:
    features, labels = model_inputs(feature_spec), label_count(feature_spec)
    with blamed_on("trainer.build_model", path):
        built = load_function("trainer.build_model", path)(feature_spec, labels, settings)
        if not isinstance(built, keras.Model):
            raise UsageError(f"trainer.build_model: {path} returns no keras.Model, but {built!r}")
        if not getattr(built, "inputs", None):
            # A subclass with a `call` of its own.
            built = keras.Model(features, built(features))
    inputs = {each.name: each for each in built.inputs}
    outputs = [tuple(each.shape) for each in built.outputs]
    last = built
    while isinstance(last, keras.Model) and getattr(last, "outputs", None):
        last = last.outputs[0]._keras_history.operation
    last = getattr(last, "activation", last)
    end = getattr(last, "__name__", type(last).__name__).lower()
    fits = inputs.keys() <= features.keys() and outputs == [(None, labels)]
    if not fits or end in ("sigmoid", "softmax"):
        raise UsageError(
            f"trainer.build_model: {path} builds a model from {sorted(inputs)} to {outputs}, "
            f"ending in {end}. It must read features, which are {sorted(features)}, and return "
            f"[(None, {labels})], a logit for each label, without sigmoid or softmax"
        )
    # By name, whatever structure it was made with.
    model = keras.Model(inputs, built.outputs[0], name="tagger")
    with blamed_on("trainer.build_model", path):
        # Keras's symbols let pass much that fails in training.
        specs = {name: tf.TensorSpec(each.shape, each.dtype) for name, each in inputs.items()}
        tf.function(model, autograph=False).get_concrete_function(specs)
    return model
