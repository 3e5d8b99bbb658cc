"""What is said of settings that are gone, and of those that travel alone."""

from __future__ import annotations

from typing import Literal

import pytest

from schema.errors import UsageError
from schema.settings import Settings
from schema.settings_errors import read_section

NO_PER_LABEL = (
    "thresholds of its own for each label suggested worse than one for all on 5 of 6 splits; "
    "choose 'global' or 'half_f1'"
)


class Trainer(Settings):
    """Stands in for the trainer's section."""

    epochs: int = 3
    thresholds: Literal["global", "half_f1"] = "global"


def test_a_section_is_read():
    assert read_section(Trainer, '{"epochs": 5}', "trainer") == Trainer(epochs=5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"epochs": "x"}', 'trainer.epochs: must be a whole number, got "x"'),
        ('{"epoch": 1}', "trainer.epoch: there is no such setting; did you mean `trainer.epochs`?"),
        ('{"members": 1}', "`trainer.members` is now `trainer.ensemble_size`"),
        (
            '{"monitor": "val_lrap"}',
            "`trainer.monitor` was removed: early stopping always watches validation LRAP",
        ),
        (
            '{"rare_label_papers": 9}',
            "`trainer.rare_label_papers` was removed: `trainer.rare_label_weight` always fades "
            "over 200 papers",
        ),
        (
            '{"threshold_shrinkage": 9}',
            "`trainer.threshold_shrinkage` was removed: it tuned per-label thresholds, which "
            "suggested worse than one for all labels",
        ),
        ('{"thresholds": "auto"}', f"`trainer.thresholds: auto` was removed: {NO_PER_LABEL}"),
        (
            '{"thresholds": "per_label"}',
            f"`trainer.thresholds: per_label` was removed: {NO_PER_LABEL}",
        ),
    ],
)
def test_a_wrong_setting_of_a_section_is_explained(text, message):
    with pytest.raises(UsageError) as raised:
        read_section(Trainer, text, "trainer")
    assert str(raised.value) == f"The settings of this run are not valid:\n  {message}"


def test_each_wrong_setting_has_a_line():
    with pytest.raises(UsageError) as raised:
        read_section(Trainer, '{"epochs": "x", "decay": "linear", "thresholds": 3}', "trainer")
    assert len(str(raised.value).splitlines()) == 4
