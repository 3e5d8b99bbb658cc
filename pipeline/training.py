"""The nodes of the graph that train: Trainer, and the Tuner before it where it is enabled."""

from __future__ import annotations

from collections.abc import Mapping

from tfx.components import Trainer, Tuner
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.proto.tuner_pb2 import TuneArgs

from components.transform.component import Transform
from pipeline.config import Config
from pipeline.places import CloudOptions
from pipeline.run_parameters import RUN_FN, TUNER_FN, trainer_config
from schema.names import TRAIN, VALIDATION


def make_tuner(
    config: Config,
    transform: Transform,
    parameters: Mapping[str, RuntimeParameter],
    cloud: CloudOptions | None,
) -> Tuner:
    """Makes the node that searches Trainer's settings; on Vertex AI it starts a custom job."""
    kind, tune_args = Tuner, None
    if cloud and cloud.tuning_job:
        # Loads Google's client library, which no run here needs.
        from tfx.extensions.google_cloud_ai_platform.tuner.component import Tuner as CloudTuner

        kind, tune_args = CloudTuner, TuneArgs(num_parallel_trials=config.deploy.parallel_trials)
    own = trainer_config(config, cloud)
    # What the served model answers changes no trial, so it must not spoil the cache.
    del own["top_k"]
    tuner = kind(
        tuner_fn=TUNER_FN,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=TrainArgs(splits=[TRAIN]),
        eval_args=EvalArgs(splits=[VALIDATION]),
        tune_args=tune_args,
        custom_config=own,
    )
    if "custom_config" in parameters:
        # TFX's Tuner, unlike its Trainer, would take the parameter's description for the value.
        tuner.exec_properties["custom_config"] = parameters["custom_config"]
    return tuner


def make_trainer(
    config: Config,
    transform: Transform,
    tuner: Tuner | None,
    parameters: Mapping[str, RuntimeParameter],
    cloud: CloudOptions | None,
) -> Trainer:
    """Makes the node that trains, by the best values of the tuner if there is one."""
    kind = Trainer
    if cloud and cloud.training_job:
        # Loads Google's client library, which no run here needs.
        from tfx.extensions.google_cloud_ai_platform.trainer.component import (
            Trainer as CloudTrainer,
        )

        kind = CloudTrainer
    return kind(
        run_fn=RUN_FN,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=TrainArgs(splits=[TRAIN]),
        eval_args=EvalArgs(splits=[VALIDATION]),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        custom_config=parameters.get("custom_config", trainer_config(config, cloud)),
    )
