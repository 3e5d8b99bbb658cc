"""Settings of Trainer: the network, its optimizer and the training loop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from schema.settings import Settings


class TrainerSettings(Settings):
    """The network, its optimizer and the training loop.

    Attributes:
        hidden_units: Units of each hidden layer; the first one works on the sparse input.
        dropout: Share of each hidden layer's outputs dropped while training.
        optimizer: `adam` is Keras's; `lazy_adam` moves only the rows of the first layer that
            the batch uses.
        learning_rate: Learning rate at the first step.
        decay: `linear` lets the learning rate fall to zero at the last step.
        batch_size: Papers per step.
        epochs: Epochs at the most.
        patience: Epochs without a better `monitor` before training stops; null never stops
            early and keeps the last weights.
        monitor: The validation figure that early stopping watches (higher is better).
        seed: Seed of the initial weights, the dropout and the order of the papers.
    """

    hidden_units: tuple[PositiveInt, ...] = Field(default=(512,), min_length=1)
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    optimizer: Literal["adam", "lazy_adam"] = "lazy_adam"
    learning_rate: float = Field(default=0.002, gt=0.0)
    decay: Literal["constant", "linear"] = "linear"
    batch_size: int = Field(default=128, ge=1)
    epochs: int = Field(default=3, ge=1)
    patience: int | None = Field(default=1, ge=1)
    monitor: Literal["val_lrap", "val_micro_f1", "val_ndcg@5"] = "val_lrap"
    seed: int = Field(default=0, ge=0)
