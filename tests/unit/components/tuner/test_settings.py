"""What may be searched, and what a person is told who names something else."""

from __future__ import annotations

import pytest

from components.trainer.settings import TrainerSettings, with_hyperparameters
from components.tuner.tuner_fn import search_space
from pipeline.config import load_config, profile_names
from schema.errors import UsageError

SPACE = (
    "tuner.space={learning_rate: {min: 1e-3, max: 0.1, log: true}, batch_size: {min: 16, max: 64},"
    " hidden_units: [[64], [64, 32]], patience: [null, 2], optimizer: [adam]}"
)


def test_the_space_becomes_keras_tuners_with_the_profiles_own_values():
    config = load_config("sample", [SPACE])
    space = search_space(config.tuner, config.trainer)
    found = {each.name: (type(each).__name__, each.default) for each in space.space}
    assert found == {
        "learning_rate": ("Float", 0.02),
        "batch_size": ("Int", 32),
        "hidden_units": ("Choice", "[256]"),
        "patience": ("Choice", "2"),
        "optimizer": ("Choice", '"lazy_rms"'),
    }
    rate, _, units, patience, _ = space.space
    assert (rate.min_value, rate.max_value, rate.sampling) == (0.001, 0.1, "log")
    assert units.values == ["[256]", "[64]", "[64, 32]"]
    assert patience.values == ["2", "null"]


def test_what_was_chosen_replaces_the_profiles_own():
    config = load_config("sample", [SPACE])
    values = {"learning_rate": 0.05, "hidden_units": "[64, 32]", "patience": "null"}
    changed = {"learning_rate": 0.05, "hidden_units": (64, 32), "patience": None}
    expected = TrainerSettings(**{**config.trainer.model_dump(), **changed})
    assert with_hyperparameters(config.trainer, values) == expected


def test_every_profile_can_be_tuned_as_it_is():
    for profile in profile_names():
        assert not load_config(profile).tuner.enabled
        assert load_config(profile, ["tuner.enabled=true"]).tuner.space


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("{learning_rat: [1]}", "learning_rat: there is no such setting in `trainer`, the section that is searched; did you mean `tuner.space.learning_rate`?"),  # noqa: E501
        ("{learning_rate: [0.1, -1]}", "learning_rate: must be greater than 0.0, got -1"),
        ("{learning_rate: {min: 1, maxx: 3}}", "learning_rate.maxx: there is no such setting"),
        ("{dropout: {max: 0.5}}", "dropout.min: must be given"),
        ("{dropout: {min: 0.5, max: 0.2}}", "dropout: min must be less than max"),
        ("{dropout: {min: 0, max: 0.5, log: true}}", "with `log: true` greater than 0"),
        ("{rare_label_weight: {min: 1, max: 6, log: true}}", "rare_label_weight: `log: true` excl"),
        ("{dropout: []}", "dropout: must be a list of at least 1, got []"),
        ("{hidden_units: {min: 8, max: 64}}", "hidden_units: a range is for numbers"),
        ("{max_tokens: [9]}", "max_tokens: there is no such setting in `trainer`, the section"),
        ("{learning_rate: 0.1}", "must be a list of values, or a range such as {min: 1, max: 3}"),
        ("{}", "tuner.space: name at least one setting of `trainer`"),
        ("{batch_size: {min: 0.5, max: 64}}", "batch_size: must be a whole number, got 0.5"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_named(space, message):
    with pytest.raises(UsageError) as caught:
        load_config("sample", [f"tuner.space={space}"])
    assert message in str(caught.value)
