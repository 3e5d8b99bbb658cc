"""Settings of the tuner: which of Trainer's settings it searches, and how."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from components.trainer.settings import TrainerSettings
from schema.settings import Settings
from schema.settings_errors import RANGE, VALUES, explain

EMPTY_SPACE: Final = (
    "tuner.space is empty: name the settings of `trainer` to search, such as `dropout: [0.3, 0.5]`"
)


class Range(Settings):
    """Numbers from `min` to `max`.

    Attributes:
        min: The least value.
        max: The greatest value.
        log: Whether each order of magnitude is as likely as any other.
    """

    min: int | float
    max: int | float
    log: bool = False

    @model_validator(mode="after")
    def _can_be_drawn_from(self) -> Range:
        if self.min >= self.max:
            raise ValueError(f"min must be less than max, got {self.min} and {self.max}")
        if self.log and self.min <= 0:
            raise ValueError(f"with `log: true`, min must be greater than 0, got {self.min}")
        return self


Searched = Annotated[
    Annotated[Range, Tag(RANGE)] | Annotated[tuple[Any, ...], Field(min_length=1), Tag(VALUES)],
    Discriminator(lambda given: VALUES if isinstance(given, list | tuple) else RANGE),
]


class TunerSettings(Settings):
    """The search for Trainer's settings, by trainings of its own before Trainer's.

    Attributes:
        enabled: Whether to search; Trainer then uses the values that were best on validation.
        space: Settings of `trainer`, each with a list of values, or a range of numbers such as
            `{min: 0.001, max: 0.1, log: true}`; `log` makes each order of magnitude as likely as
            any other. The profile's own value is tried in any case.
        trials: Number of trainings. The first has the profile's own values.
        algorithm: How values are chosen: at `random`; or `bayesian`, which learns from the trials
            before, and begins with three random ones per setting.
        seed: Seed of the choice.
    """

    enabled: bool = False
    space: dict[str, Searched] = Field(
        default={
            "learning_rate": Range(min=0.0005, max=0.1, log=True),
            "batch_size": (32, 64, 128, 256),
            "dropout": (0.0, 0.3, 0.5, 0.7),
            "hidden_units": ([128], [256], [512]),
        }
    )
    trials: int = Field(default=12, ge=2)
    algorithm: Literal["random", "bayesian"] = "random"
    seed: int = Field(default=0, ge=0)

    def check(self, trainer: TrainerSettings) -> None:
        """Checks the space.

        Args:
            trainer: The settings that the values are to be put in.

        Raises:
            ValueError: A setting doesn't exist, or can't have a value; the message names it.
        """
        if self.enabled and not self.space:
            raise ValueError(EMPTY_SPACE)
        own = json.loads(trainer.model_dump_json())
        for name, value in _extremes(self.space, own):
            try:
                TrainerSettings.model_validate_json(json.dumps({**own, name: value}))
            except ValidationError as error:
                raise ValueError(explain(error, TrainerSettings, "tuner.space").strip()) from error


def _extremes(space: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yields all values of each list, and both ends of each range."""
    for name, searched in space.items():
        if isinstance(searched, Range) and searched.log and own.get(name) == 0:
            raise ValueError(
                f"tuner.space.{name}: trainer.{name} is 0, which has no place in a range with "
                "`log: true`; give a list, or a range without it"
            )
        values = (searched.min, searched.max) if isinstance(searched, Range) else searched
        for value in values:
            yield name, value
