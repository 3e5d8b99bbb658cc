"""What is said of a section that travelled alone; `test_config` has the words of each fault."""

from __future__ import annotations

import pytest

from components.trainer.settings import TrainerSettings
from schema.errors import UsageError
from schema.settings_errors import read_section


def test_a_section_is_read():
    assert read_section(TrainerSettings, '{"epochs": 5}', "trainer") == TrainerSettings(epochs=5)


def test_each_wrong_setting_has_a_line_with_its_full_name():
    """As where a run in a cloud is started with the parameters of an older version."""
    text = '{"epochs": "x", "epoch": 1, "members": 3, "monitor": "val_lrap", "thresholds": "auto"}'
    with pytest.raises(UsageError) as raised:
        read_section(TrainerSettings, text, "trainer")
    heading, *lines = str(raised.value).splitlines()
    assert heading == "The settings of this run are not valid:"
    starts = (
        'trainer.epochs: must be a whole number, got "x"',
        "`trainer.thresholds: auto` was removed: ",
        "trainer.epoch: there is no such setting; did you mean `trainer.epochs`?",
        "`trainer.members` is now `trainer.ensemble_size`",
        "`trainer.monitor` was removed: early stopping always watches validation LRAP",
    )
    assert len(lines) == len(starts)
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(f"  {start}")
