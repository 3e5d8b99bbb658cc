"""What TFX's Tuner calls by import path: a search whose trials are Trainer's own trainings."""

from __future__ import annotations

import json
from typing import Any, Final

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.errors import FatalError
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from components.memory import release_memory
from components.trainer.callbacks import EARLY_STOPPING_FIGURE, TrainingDivergedError
from components.trainer.run_fn import fit
from components.trainer.settings import TrainerSettings, with_hyperparameters
from components.trainer.strategy import pick_strategy
from components.tuner.settings import Range, TunerSettings
from schema.settings_errors import read_section

# KerasTuner would leave a failed trial out of the results. No training reaches an LRAP of 0.
_DIVERGED: Final = 0.0


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Returns the search; `custom_config` has the TrainerSettings and TunerSettings as JSON."""
    trainer = read_section(TrainerSettings, fn_args.custom_config["settings"], "trainer")
    tuner = read_section(TunerSettings, fn_args.custom_config["tuner"], "tuner")
    return TunerFnResult(TrainerTuner(fn_args, trainer, tuner), fit_kwargs={})


class TrainerTuner(keras_tuner.Tuner):
    """Tries settings of Trainer for the highest LRAP on validation."""

    def __init__(self, fn_args: FnArgs, trainer: TrainerSettings, tuner: TunerSettings) -> None:
        """Prepares a search; `fn_args` are those of `components.trainer.run_fn.fit`."""
        oracle = _Oracle(
            keras_tuner.Objective(EARLY_STOPPING_FIGURE, "max"),
            max_trials=tuner.trials,
            seed=tuner.seed,
            hyperparameters=search_space(tuner, trainer),
        )
        super().__init__(oracle, directory=fn_args.working_dir, project_name="trials")
        self._fn_args = fn_args
        self._trainer = trainer

    def run_trial(self, trial: Trial, **_others: Any) -> dict[str, float]:
        """Trains as Trainer does, and returns the kept epoch's LRAP."""
        try:
            settings = with_hyperparameters(self._trainer, trial.hyperparameters.values)
            # Of several machines, each is at a trial of its own.
            strategy = pick_strategy(several_machines=False)
            folder = self.get_trial_dir(trial.trial_id)
            _, result, _ = fit(self._fn_args, settings, strategy, folder)
        except TrainingDivergedError:
            return {EARLY_STOPPING_FIGURE: _DIVERGED}
        except Exception as error:
            # KerasTuner goes on after any other.
            raise FatalError(str(error)) from error
        return {EARLY_STOPPING_FIGURE: result.history[EARLY_STOPPING_FIGURE][result.kept_epoch - 1]}

    def search(self, *arguments: Any, **others: Any) -> None:
        """Runs all trials; what ended one of them, except that it diverged, ends the search."""
        try:
            super().search(*arguments, **others)
        except FatalError as error:
            raise (error.__cause__ or error) from None

    def on_trial_end(self, trial: Trial) -> None:
        """Frees what a trial held."""
        super().on_trial_end(trial)
        release_memory()


class _Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Tries the profile's own values first: the search then ends no lower than these."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        if self.trials:
            return dict(super().populate_space(trial_id))
        own = {each.name: each.default for each in self.hyperparameters.space}
        return {"status": TrialStatus.RUNNING, "values": own}


def search_space(tuner: TunerSettings, trainer: TrainerSettings) -> keras_tuner.HyperParameters:
    """Returns the space, with the profile's own values for defaults; those of lists are JSON."""
    space = keras_tuner.HyperParameters()
    own = json.loads(trainer.model_dump_json())
    for name, searched in tuner.space.items():
        if isinstance(searched, Range):
            is_float = TrainerSettings.model_fields[name].annotation is float
            draw = space.Float if is_float else space.Int
            scale = "log" if searched.log else "linear"
            draw(name, searched.min, searched.max, sampling=scale, default=own[name])
        else:
            # A choice of KerasTuner's can't be a list itself.
            space.Choice(name, list(dict.fromkeys(map(json.dumps, (own[name], *searched)))))
    return space
