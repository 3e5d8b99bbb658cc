"""The search, with a training that takes no time; tests/e2e has the real one."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from tfx.components.tuner.executor import write_best_hyperparameters
from tfx.types.standard_artifacts import HyperParameters, TunerResults

from components.trainer.callbacks import TrainingDivergedError
from components.tuner import tuner_fn as module
from components.tuner.results import read_trials, trial_table
from pipeline.config import load_config
from schema.errors import BadInputError

RANGE = "tuner.space={learning_rate: {min: 0.001, max: 0.1, log: true}}"
CHOICE = "tuner.space={dropout: [0.1, 0.9]}"


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Searches with a stand-in for training, from settings to LRAP; returns search and trials."""

    def run(train, *overrides):
        def fit(fn_args, settings, strategy, folder):
            del fn_args, strategy
            assert folder.startswith(str(tmp_path))
            # The best epoch was kept, not the last.
            history = {"val_lrap": [0.0, train(settings), 0.1]}
            return None, SimpleNamespace(history=history, kept_epoch=2), None

        monkeypatch.setattr(module, "fit", fit)
        # There is nothing to free, and it takes longer than all else.
        monkeypatch.setattr(module, "release_memory", lambda: None)
        config = load_config("sample", overrides)
        custom = {"settings": config.trainer, "tuner": config.tuner}
        found = module.tuner_fn(
            SimpleNamespace(
                working_dir=str(tmp_path / "work"),
                custom_config={key: each.model_dump_json() for key, each in custom.items()},
            )
        )
        found.tuner.search(**found.fit_kwargs)
        outputs = {"best_hyperparameters": HyperParameters(), "tuner_results": TunerResults()}
        for key, artifact in outputs.items():
            artifact.uri = str(tmp_path / key)
        write_best_hyperparameters(found.tuner, {key: [each] for key, each in outputs.items()})
        (best,) = (tmp_path / "best_hyperparameters").iterdir()
        values = json.loads(best.read_text())["values"]
        return values, read_trials(outputs["tuner_results"].uri)

    return run


def test_the_best_trial_wins_and_the_first_has_the_profiles_own_values(search):
    def lrap(settings):
        return 1 - abs(settings.learning_rate - 0.05)

    # Three are drawn at random, and the last two learn from these.
    best, trials = search(lrap, RANGE, "tuner.trials=5")
    assert sorted(trial["number"] for trial in trials) == list(range(1, 6))
    for trial in trials:
        assert trial["lrap"] == 1 - abs(trial["values"]["learning_rate"] - 0.05)
    (first,) = (trial["values"] for trial in trials if trial["number"] == 1)
    assert first == {"learning_rate": 0.02}
    assert trials[0]["lrap"] == max(trial["lrap"] for trial in trials)
    assert best["learning_rate"] == trials[0]["values"]["learning_rate"]


def test_a_trial_that_diverges_is_listed_last(search):
    def train(settings):
        if settings.dropout == 0.5:
            raise TrainingDivergedError
        return settings.dropout

    best, trials = search(train, CHOICE, "tuner.trials=3")
    assert best == {"dropout": "0.9"}
    heads, *rows = trial_table(trials)
    assert heads == ["trial", "LRAP", "dropout"]
    assert [row[1:] for row in rows] == [["0.9000", "0.9"], ["0.1000", "0.1"], ["diverged", "0.5"]]
    assert rows[-1][0] == "1 (profile)"


def test_any_other_error_ends_the_search(search):
    def train(settings):
        raise BadInputError("no papers")

    with pytest.raises(BadInputError, match="no papers"):
        search(train, CHOICE)
