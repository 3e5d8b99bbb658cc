"""The network that a profile asks for: ours, or one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from components.own_parts import load_function
from components.trainer.input_pipeline import label_count, model_inputs, vocabulary_size
from components.trainer.model import build_model, build_served_model
from components.trainer.precision import Precision
from components.trainer.settings import TrainerSettings
from schema import names
from schema.errors import UsageError

# Of a `build_model` of a profile's own.
OWN_PARAMETERS: Final = ("feature_spec", "label_count", "settings")


def build_network(
    feature_spec: Mapping[str, Any],
    settings: TrainerSettings,
    label_counts: NDArray[np.int64] | None = None,
    papers: int = 0,
    precision: Precision = "float32",
) -> keras.Model:
    """Builds the network that is trained, not compiled.

    Args:
        feature_spec: Of the transformed examples.
        settings: What kind of network, or the function that builds it.
        label_counts: As `model.build_model` takes them.
        papers: As `model.build_model` takes them.
        precision: Of the hidden layers of our network.

    Returns:
        A functional model from a dictionary of features to logits.

    Raises:
        UsageError: The profile's own function builds something else, or the features lack what our
            network reads.
    """
    if settings.build_model is not None:
        return _build_own(settings.build_model, feature_spec, settings)
    sizes = _sizes(feature_spec)
    return build_model(*sizes, settings, label_counts, papers, precision)


def build_served_network(feature_spec: Mapping[str, Any], settings: TrainerSettings) -> keras.Model:
    """Builds the network that is validated and exported; fill it with `copy_weights`."""
    if settings.build_model is not None:
        return _build_own(settings.build_model, feature_spec, settings)
    return build_served_model(*_sizes(feature_spec), settings)


def _sizes(feature_spec: Mapping[str, Any]) -> tuple[int, int]:
    if names.TFIDF not in feature_spec:
        raise UsageError(
            "features.preprocessing_fn returns no `tfidf`, which our network reads. Return it, or "
            "name a network of your own in trainer.build_model"
        )
    return vocabulary_size(feature_spec), label_count(feature_spec)


def _build_own(
    path: str, feature_spec: Mapping[str, Any], settings: TrainerSettings
) -> keras.Model:
    labels = label_count(feature_spec)
    built = load_function(path, "trainer.build_model", *OWN_PARAMETERS)(
        feature_spec, labels, settings
    )
    features = model_inputs(feature_spec)
    said = f"trainer.build_model: {path}"
    if not isinstance(built, keras.Model):
        raise UsageError(f"{said} returns a {type(built).__name__}, must return a keras.Model")
    if not getattr(built, "inputs", None):
        built = keras.Model(features, built(features))
    inputs = {each.name: each for each in built.inputs}
    if not inputs.keys() <= features.keys():
        raise UsageError(
            f"{said} reads {sorted(inputs.keys() - features.keys())}; there are "
            f"{sorted(features)}. Give each keras.Input the name of a feature"
        )
    shapes = [tuple(each.shape) for each in built.outputs]
    if shapes != [(None, labels)]:
        raise UsageError(
            f"{said} has the outputs {shapes}, must have one of [None, {labels}]: a logit for each "
            "label"
        )
    # By name, whatever structure it was made with.
    return keras.Model(inputs, built.outputs[0], name="tagger")
