"""Settings of the tuner: which of Trainer's settings it searches."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError, model_validator

from components.trainer.settings import TrainerSettings
from schema.settings import Settings
from schema.settings_errors import RANGE, VALUES, explain


class Range(Settings):
    """Numbers from `min` to `max`; with `log`, each order of magnitude is as likely."""

    min: int | float
    max: int | float
    log: bool = False

    @model_validator(mode="after")
    def _can_be_drawn_from(self) -> Range:
        if self.min >= self.max or (self.log and self.min <= 0):
            raise ValueError("min must be less than max, and with `log: true` greater than 0")
        return self


Searched = Annotated[
    Annotated[Range, Tag(RANGE)] | Annotated[tuple[Any, ...], Field(min_length=1), Tag(VALUES)],
    Discriminator(
        lambda given: {list: VALUES, tuple: VALUES, dict: RANGE, Range: RANGE}.get(type(given))
    ),
]


class TunerSettings(Settings):
    """The search for Trainer's settings, by trainings of its own before Trainer's.

    Attributes:
        enabled: Whether to search; Trainer then uses the values that were best on validation.
        space: Settings of `trainer`, each with a list of values, or a range of numbers such as
            `{min: 0.001, max: 0.1, log: true}`; `log` makes each order of magnitude as likely as
            any other. The profile's own value is tried in any case.
        trials: Number of trainings. The first has the profile's own values, then come three for
            each setting at random; the others learn from those before.
        seed: Seed of the search.
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
    seed: int = Field(default=0, ge=0)

    def check(self, trainer: TrainerSettings) -> None:
        """Raises ValueError, which names the setting, where the space doesn't suit `trainer`."""
        own = json.loads(trainer.model_dump_json())
        if not self.space:
            raise ValueError("tuner.space: name at least one setting of `trainer`")
        for name, searched in self.space.items():
            if isinstance(searched, Range) and isinstance(own.get(name), list | str | bool):
                raise ValueError(f"tuner.space.{name}: a range is for numbers; give a list")
            if isinstance(searched, Range) and searched.log and own.get(name) == 0:
                raise ValueError(f"tuner.space.{name}: `log: true` excludes the profile's own 0")
            values = (searched.min, searched.max) if isinstance(searched, Range) else searched
            for value in values:
                try:
                    TrainerSettings.model_validate_json(json.dumps({**own, name: value}))
                except ValidationError as error:
                    lines = explain(error, TrainerSettings, "tuner.space").strip()
                    # What doesn't suit a network of one's own is said of `build_model`.
                    lines = lines.replace("space.build_model:", f"space.{name}:")
                    only = "no such setting in `trainer`, the section that is searched"
                    raise ValueError(lines.replace("no such setting", only)) from error
