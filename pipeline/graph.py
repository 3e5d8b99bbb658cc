"""The one graph, from a CSV file to a pushed model, for local and cloud runners alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.components import ExampleValidator, StatisticsGen, Trainer, Tuner
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_component
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.pusher_pb2 import PushDestination
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.proto.transform_pb2 import SplitsConfig
from tfx.proto.tuner_pb2 import TuneArgs

from components.baselines.component import Baselines
from components.data_check.component import DataCheck
from components.evaluator.component import Evaluator
from components.evaluator.eval_config import make_eval_config
from components.example_gen.component import CsvExampleGen
from components.infra_validator.component import InfraValidator
from components.pusher.component import Pusher
from components.report.component import Report
from components.transform.component import Transform
from pipeline.code_version import UNKNOWN, CodeVersion
from pipeline.config import Config
from pipeline.places import CloudOptions, Places
from pipeline.resolvers import (
    LastOtherBlessedModelStrategy,
    LatestIfAnyStrategy,
    last_blessed,
    last_statistics,
)
from pipeline.run_parameters import (
    RUN_FN,
    TUNER_FN,
    provenance,
    run_parameters,
    trainer_config,
)
from pipeline.source_digest import own_source_digest, source_digest
from schema.names import MODEL_NAME, SPLITS, TRAIN, VALIDATION
from schema.words import Words

# Kubeflow and Vertex AI allow no underscore in it.
CLOUD_NAME = MODEL_NAME.replace("_", "-")
PREPROCESSING_FN = "components.transform.preprocessing.preprocessing_fn"


def create_pipeline(
    config: Config,
    places: Places,
    metadata: metadata_store_pb2.ConnectionConfig | None = None,
    code: CodeVersion = UNKNOWN,
    cloud: CloudOptions | None = None,
) -> Pipeline:
    """Builds the graph; reads nothing but the source files of the components.

    Args:
        config: What the components do.
        places: Where they read and write.
        metadata: The ML Metadata store; the runner's own where None.
        code: The version of the code, for the report.
        cloud: What differs in a cloud; None for a run on this machine.
    """
    parameters = _runtime_parameters(config, places, code, cloud)
    example_gen = CsvExampleGen(
        input_base=parameters.get("input_base", places.input_base),
        pattern=places.pattern,
        data_settings=config.data.model_dump_json(),
        source_digest=source_digest("components.example_gen.component"),
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples)
    earlier_statistics = None
    if cloud is None or cloud.earlier_runs:
        earlier_statistics = last_statistics(
            LatestIfAnyStrategy if cloud is None else LatestArtifactStrategy
        )
        # After StatisticsGen, the latest would be this run's own.
        statistics_gen.add_upstream_node(earlier_statistics)
    schema_gen = ImportSchemaGen(schema_file=f"{places.schema_dir}/schema.pbtxt")
    schema = schema_gen.outputs["schema"]
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema
    )
    data_check = DataCheck(
        anomalies=example_validator.outputs["anomalies"],
        source_digest=source_digest("components.data_check.component"),
    )
    transform = _transform(config, examples, schema)
    # Stock TFX would run Transform before, or without, a verdict on the data.
    transform.add_upstream_node(data_check)
    tuner, trainer = _training(config, transform, parameters, cloud)
    baselines = Baselines(
        examples=examples,
        # When they are computed changes no result, so it must not spoil the cache.
        settings=config.baselines.model_dump_json(exclude={"beside_training"}),
        model_input=config.features.input,
        source_digest=source_digest("components.baselines.component"),
    )
    if not config.baselines.beside_training:
        baselines.add_upstream_node(data_check)
    infra_validator = InfraValidator(
        model=trainer.outputs["model"],
        examples=examples,
        settings=config.infra.model_dump_json(),
        source_digest=source_digest("components.infra_validator.component"),
    )
    blessed = None
    if cloud is None:
        blessed = last_blessed(LastOtherBlessedModelStrategy, candidate=trainer.outputs["model"])
    elif cloud.earlier_runs:
        blessed = last_blessed(LatestBlessedModelStrategy)
    if blessed:
        # It needs nothing of it; this keeps it beside the Evaluator in every listing.
        blessed.add_upstream_node(infra_validator)
    evaluator = Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        baseline_model=blessed.outputs["model"] if blessed else None,
        schema=schema,
        eval_config=parameters.get("eval_config", make_eval_config(config.gate)),
        source_digest=source_digest("components.evaluator.tfma_metrics"),
        infra_blessing=infra_validator.outputs["blessing"],
        # In a cloud the gate is a parameter of each run.
        baselines=(
            baselines.outputs["baselines"] if cloud or config.gate.max_drop_from_baseline else None
        ),
    )
    words = Words.of_settings(config.model_dump())
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=PushDestination(
            filesystem=PushDestination.Filesystem(base_directory=places.serving_dir)
        ),
        source_digest=source_digest("components.pusher.component"),
        infra_blessing=infra_validator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        endpoint=cloud.endpoint if cloud else "",
        words=json.dumps({**asdict(words), "label_names": config.report.label_names}),
    )
    report = Report(
        examples=examples,
        curation=example_gen.outputs["curation"],
        statistics=statistics_gen.outputs["statistics"],
        last_statistics=earlier_statistics.outputs["statistics"] if earlier_statistics else None,
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        tuner_results=tuner.outputs["tuner_results"] if tuner else None,
        baselines=baselines.outputs["baselines"],
        infra_blessing=infra_validator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        model_blessing=evaluator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        settings=config.report.model_dump_json(),
        provenance=parameters.get("provenance", provenance(config, places.pattern, code)),
        source_digest=source_digest("components.report.component"),
    )
    nodes = [
        example_gen,
        earlier_statistics,
        statistics_gen,
        schema_gen,
        example_validator,
        data_check,
        transform,
        tuner,
        trainer,
        baselines,
        infra_validator,
        blessed,
        evaluator,
        pusher,
        report,
    ]
    if cloud:
        _request_machines(nodes, cloud)
    return Pipeline(
        pipeline_name=CLOUD_NAME if cloud else MODEL_NAME,
        pipeline_root=places.pipeline_root,
        components=[node for node in nodes if node],
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=(list(cloud.beam_arguments) if cloud else config.beam.pipeline_args()),
    )


def _runtime_parameters(
    config: Config, places: Places, code: CodeVersion, cloud: CloudOptions | None
) -> dict[str, RuntimeParameter]:
    """Returns the properties that each run of a compiled pipeline may set; none locally."""
    if cloud is None:
        return {}
    return {
        name: RuntimeParameter(name=name, ptype=str, default=value)
        for name, value in run_parameters(config, places, code, cloud).items()
    }


def _request_machines(nodes: Iterable[Any], cloud: CloudOptions) -> None:
    for node in nodes:
        trains = isinstance(node, Trainer) or (isinstance(node, Tuner) and not cloud.tuning_job)
        resources = cloud.trainer if trains else cloud.others
        if resources and isinstance(node, base_component.BaseComponent):
            node.with_platform_config(resources)


def _transform(config: Config, examples: Any, schema: Any) -> Transform:
    return Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=PREPROCESSING_FN,
        splits_config=SplitsConfig(analyze=[TRAIN], transform=list(SPLITS)),
        custom_config={
            "settings": config.features.model_dump_json(),
            "by_title": config.data.by_title,
            "source_digest": source_digest(PREPROCESSING_FN.rpartition(".")[0]),
            "own_digest": own_source_digest(config.features.preprocessing_fn),
        },
        # Statistics of 150,000 sparse columns would take longer than the training.
        disable_statistics=True,
        disable_analyzer_cache=True,
    )


def _training(
    config: Config,
    transform: Transform,
    parameters: Mapping[str, RuntimeParameter],
    cloud: CloudOptions | None,
) -> tuple[Tuner | None, Trainer]:
    """Returns Trainer, and the Tuner that finds its settings where that is enabled."""
    tuner, trainer_kind, tuner_kind, tune_args = None, Trainer, Tuner, None
    if cloud and (cloud.training_job or cloud.tuning_job):
        # Loads Google's client library, which no run here needs.
        from tfx.extensions.google_cloud_ai_platform.trainer import component as cloud_trainer
        from tfx.extensions.google_cloud_ai_platform.tuner import component as cloud_tuner

        trainer_kind = cloud_trainer.Trainer if cloud.training_job else Trainer
        if cloud.tuning_job:
            tuner_kind = cloud_tuner.Tuner
            tune_args = TuneArgs(num_parallel_trials=config.deploy.parallel_trials)
    settings = trainer_config(config, cloud)
    inputs = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "train_args": TrainArgs(splits=[TRAIN]),
        "eval_args": EvalArgs(splits=[VALIDATION]),
    }
    if config.tuner.enabled:
        # What the served model answers changes no trial, so it must not spoil the cache.
        found = {**settings, "top_k": None}
        tuner = tuner_kind(tuner_fn=TUNER_FN, tune_args=tune_args, custom_config=found, **inputs)
        if "custom_config" in parameters:
            # TFX's Tuner, unlike its Trainer, would take a parameter's description for its value.
            tuner.exec_properties["custom_config"] = parameters["custom_config"]
    trainer = trainer_kind(
        run_fn=RUN_FN,
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        custom_config=parameters.get("custom_config", settings),
        **inputs,
    )
    return tuner, trainer
