"""Settings of Trainer: the network, its optimizer and the training loop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from schema.settings import Settings


class TrainerSettings(Settings):
    """The network, its optimizer and the training loop.

    Attributes:
        hidden_units: Units of each hidden layer; the first one works on the sparse input.
        ensemble_size: Networks trained side by side on the same batches, each with its own loss;
            the model averages their logits.
        output_bias_init: The output layer's biases before training: `zeros`, or `prior`, the logit
            of each label's share of the training papers.
        rare_label_weight: How much more a paper that has a rare label weighs in that label's
            loss: 1 + rare_label_weight * exp(-papers with it / rare_label_papers).
        rare_label_papers: See there.
        dropout: Share of each hidden layer's outputs dropped while training.
        optimizer: `adam` is Keras's; `lazy_adam` moves only the rows of the first layer that
            the batch uses.
        learning_rate: Learning rate at the first step; not scaled with the replicas.
        lr_schedule: `linear` lets the learning rate fall to zero at the last step.
        batch_size: Papers per step of each replica; there is one per GPU.
        mixed_precision: Compute in 16 bits on a GPU, with weights and loss in float32.
        epochs: Epochs at the most.
        patience: Epochs without a better `monitor` before training stops; null never stops
            early and keeps the last weights.
        monitor: The validation figure that early stopping watches (higher is better).
        first_layer_dtype: How the exported model stores the first layer's weights, which are
            almost all of it: `float32`, or `int8` with one scale per row. Validation, the threshold
            and the gate measure the model as it is served.
        thresholds: `global` suggests every label from the cut on that is best on validation;
            `half_f1` from half of the micro-F1 on that it reaches, which moves less by chance;
            `per_label` each from a cut of its own; `auto` takes what suggests best on
            validation papers that it was not tuned on.
        threshold_shrinkage: A label with so many validation papers stands halfway between the
            global threshold and its own best one.
        seed: Seed of the initial weights, the dropout and the order of the papers.
    """

    hidden_units: tuple[PositiveInt, ...] = Field(default=(512,), min_length=1)
    ensemble_size: int = Field(default=1, ge=1)
    output_bias_init: Literal["zeros", "prior"] = "zeros"
    rare_label_weight: float = Field(default=0.0, ge=0.0)
    rare_label_papers: float = Field(default=200.0, gt=0.0)
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    optimizer: Literal["adam", "lazy_adam"] = "lazy_adam"
    learning_rate: float = Field(default=0.002, gt=0.0)
    lr_schedule: Literal["constant", "linear"] = "linear"
    batch_size: int = Field(default=128, ge=1)
    mixed_precision: bool = False
    epochs: int = Field(default=3, ge=1)
    patience: int | None = Field(default=1, ge=1)
    monitor: Literal["val_lrap", "val_micro_f1", "val_ndcg@5"] = "val_lrap"
    first_layer_dtype: Literal["float32", "int8"] = "float32"
    thresholds: Literal["global", "half_f1", "per_label", "auto"] = "global"
    threshold_shrinkage: float = Field(default=50.0, ge=0.0)
    seed: int = Field(default=0, ge=0)
