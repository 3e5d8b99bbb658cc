"""Settings of Trainer: the network, its optimizer and the training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field, PositiveInt, ValidationInfo, field_validator

from schema.settings import Settings
from schema.settings_errors import read_section

# What only our network has, and what it must be beside another.
OF_OUR_NETWORK: Final[Mapping[str, Any]] = {
    "ensemble_size": 1,
    "optimizer": "adam",
    "mixed_precision": False,
    "first_layer_dtype": "float32",
}


class TrainerSettings(Settings):
    """The network, its optimizer and the training.

    Attributes:
        hidden_units: Units of each hidden layer; the first one reads the sparse input.
        ensemble_size: Networks trained side by side on the same batches, each with its own loss;
            the model averages their logits.
        output_bias_init: Initial biases of the output layer: `zeros`, or `prior`, the logit of
            each label's share of the training papers.
        rare_label_weight: Extra weight of a rare label's papers in that label's loss, which is
            multiplied by 1 + rare_label_weight * exp(-papers / 200). 0 turns it off.
        dropout: Share of each hidden layer's outputs that is dropped in training, from 0 to
            below 1.
        optimizer: `adam` is Keras's Adam; `lazy_rms` moves only those rows of the first layer that
            the batch uses, each by its gradient divided by the RMS of the row's gradients so far,
            and all other weights by Adam.
        learning_rate: Learning rate at the first step; not scaled by the number of GPUs.
        lr_schedule: `constant`, or `linear`, which lowers the learning rate to zero at the last
            step.
        batch_size: Papers per step and GPU (per machine without one).
        mixed_precision: Whether a GPU computes in 16 bits, with weights and loss in float32; no
            effect without a GPU.
        epochs: The most epochs, passes over the training papers.
        patience: Early stopping: epochs without a better LRAP on validation before training stops
            and goes back to the best epoch's weights. null trains all epochs and keeps the last
            weights.
        first_layer_dtype: How the exported model stores the first layer's weights, almost all of
            its size: `float32`, or `int8` with one scale per row. Validation, the threshold and
            the gate measure the model in this form. On real papers int8 makes the model a quarter
            as large at no cost in quality.
        thresholds: How the minimum probability to suggest a label is chosen on validation:
            `global` takes the cut with the best micro-F1; `half_f1` takes half of that micro-F1,
            which varies less by chance.
        seed: Seed of the initial weights, the dropout and the order of the papers.
        build_model: Import path of a function of your own that builds the network, such as
            `package.module.function`; see docs/own_parts.md. null builds ours.
    """

    hidden_units: tuple[PositiveInt, ...] = Field(default=(512,), min_length=1)
    ensemble_size: int = Field(default=1, ge=1)
    output_bias_init: Literal["zeros", "prior"] = "zeros"
    rare_label_weight: float = Field(default=0.0, ge=0.0)
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    optimizer: Literal["adam", "lazy_rms"] = "lazy_rms"
    learning_rate: float = Field(default=0.002, gt=0.0)
    lr_schedule: Literal["constant", "linear"] = "linear"
    batch_size: int = Field(default=128, ge=1)
    mixed_precision: bool = False
    epochs: int = Field(default=3, ge=1)
    patience: int | None = Field(default=1, ge=1)
    first_layer_dtype: Literal["float32", "int8"] = "float32"
    thresholds: Literal["global", "half_f1"] = "global"
    seed: int = Field(default=0, ge=0)
    build_model: str | None = None

    @field_validator("build_model")
    @classmethod
    def _asks_for_nothing_of_ours(cls, path: str | None, others: ValidationInfo) -> str | None:
        needed = sorted(OF_OUR_NETWORK.items() - others.data.items())
        if path is not None and needed:
            said = ", ".join(f"{key}: {json.dumps(value)}" for key, value in needed)
            raise ValueError("a network of your own needs " + said.replace('"', ""))
        return path


def chosen_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a tuner has chosen: of a list it is JSON, such as `[512, 256]`."""
    return {
        name: json.loads(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


def with_hyperparameters(settings: TrainerSettings, values: Mapping[str, Any]) -> TrainerSettings:
    """Returns the settings with those that a tuner has chosen.

    Raises:
        UsageError: They don't fit together.
    """
    text = json.dumps({**json.loads(settings.model_dump_json()), **chosen_values(values)})
    return read_section(TrainerSettings, text, "trainer")
