"""A convolution over the words of a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from town_hall.features import WORDS

from components.trainer.input_pipeline import model_inputs
from components.trainer.settings import TrainerSettings


def build_model(
    feature_spec: Mapping[str, Any], label_count: int, settings: TrainerSettings
) -> keras.Model:
    """Builds the network, from `tokens` to a logit for each label."""
    inputs = model_inputs(feature_spec)
    words = keras.layers.Embedding(WORDS + 2, 64)(inputs["tokens"])
    phrases = keras.layers.Conv1D(settings.hidden_units[0], 3, activation="relu")(words)
    found = keras.layers.GlobalMaxPooling1D()(phrases)
    found = keras.layers.Dropout(settings.dropout, seed=settings.seed)(found)
    return keras.Model(inputs, keras.layers.Dense(label_count)(found))
