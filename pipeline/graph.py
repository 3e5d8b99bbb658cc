"""The one graph: from a CSV to a pushed model. Local and cloud runners all take this one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx import v1 as tfx

from components.baselines.component import Baselines
from components.data_check.component import DataCheck
from components.evaluator.component import Evaluator
from components.evaluator.eval_config import make_eval_config
from components.example_gen.component import CsvExampleGen
from components.infra_validator.component import InfraValidator
from components.pusher.component import Pusher
from components.report.component import Report
from pipeline.code_version import UNKNOWN, CodeVersion
from pipeline.config import Config
from pipeline.source_digest import source_digest
from schema.names import MODEL_NAME, SPLITS, TRAIN, VALIDATION

PREPROCESSING_FN = "components.transform.preprocessing.preprocessing_fn"
RUN_FN = "components.trainer.run_fn.run_fn"


@dataclass(frozen=True)
class Places:
    """Where a run reads and writes.

    Attributes:
        input_base: The folder of the CSV file.
        pattern: The file's name in it, or a pattern of several.
        schema_dir: The folder that holds the curated schema.
        pipeline_root: Where TFX keeps its artifacts.
        serving_dir: The parent of the pushed versions.
    """

    input_base: str
    pattern: str
    schema_dir: str
    pipeline_root: str
    serving_dir: str


def create_pipeline(
    config: Config,
    places: Places,
    metadata: metadata_store_pb2.ConnectionConfig | None = None,
    code: CodeVersion = UNKNOWN,
) -> tfx.dsl.Pipeline:
    """Builds the graph; reads nothing but the source files of the components.

    Args:
        config: What the components do.
        places: Where they read and write.
        metadata: The ML Metadata store; the runner's own where None.
        code: Which version of the code this is, for the report.
    """
    example_gen = CsvExampleGen(
        input_base=places.input_base,
        pattern=places.pattern,
        data_settings=config.data.model_dump_json(),
        source_digest=source_digest("components.example_gen.component"),
    )
    examples = example_gen.outputs["examples"]
    last_statistics = _last_statistics()
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    # Later, the latest ones would be this run's own.
    statistics_gen.add_upstream_node(last_statistics)
    schema_gen = tfx.components.ImportSchemaGen(schema_file=f"{places.schema_dir}/schema.pbtxt")
    schema = schema_gen.outputs["schema"]
    example_validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema
    )
    data_check = DataCheck(
        anomalies=example_validator.outputs["anomalies"],
        source_digest=source_digest("components.data_check.component"),
    )
    transform = _transform(config, examples, schema)
    # Stock TFX would run Transform before, or without, a verdict on the data.
    transform.add_upstream_node(data_check)
    trainer = _trainer(config, transform)
    baselines = Baselines(
        examples=examples,
        settings=config.baselines.model_dump_json(),
        text=config.features.text,
        source_digest=source_digest("components.baselines.component"),
    )
    baselines.add_upstream_node(data_check)
    last_blessed = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("LastBlessedModel")
    infra_validator = InfraValidator(
        model=trainer.outputs["model"],
        examples=examples,
        settings=config.infra.model_dump_json(),
        source_digest=source_digest("components.infra_validator.component"),
    )
    # It needs nothing; this only keeps it beside the Evaluator in every listing.
    last_blessed.add_upstream_node(infra_validator)
    evaluator = Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        baseline_model=last_blessed.outputs["model"],
        schema=schema,
        eval_config=make_eval_config(config.gate),
        source_digest=source_digest("components.evaluator.tfma_metrics"),
        infra_blessing=infra_validator.outputs["blessing"],
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=places.serving_dir)
        ),
        source_digest=source_digest("components.pusher.component"),
        infra_blessing=infra_validator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
    )
    report = Report(
        examples=examples,
        curation=example_gen.outputs["curation"],
        statistics=statistics_gen.outputs["statistics"],
        last_statistics=last_statistics.outputs["statistics"],
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        baselines=baselines.outputs["baselines"],
        infra_blessing=infra_validator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        model_blessing=evaluator.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"],
        settings=config.report.model_dump_json(),
        provenance=_provenance(config, places, code),
        source_digest=source_digest("components.report.component"),
    )
    return tfx.dsl.Pipeline(
        pipeline_name=MODEL_NAME,
        pipeline_root=places.pipeline_root,
        components=[
            example_gen,
            last_statistics,
            statistics_gen,
            schema_gen,
            example_validator,
            data_check,
            transform,
            trainer,
            baselines,
            infra_validator,
            last_blessed,
            evaluator,
            pusher,
            report,
        ],
        enable_cache=True,
        metadata_connection_config=metadata,
        beam_pipeline_args=config.beam.pipeline_args(),
    )


def _last_statistics() -> tfx.dsl.Resolver:
    """Finds the statistics of the last run's data; TFX's log calls it an error if there is none."""
    return tfx.dsl.Resolver(
        # Kubeflow knows this strategy, and no subclass of it that would bear to find none.
        strategy_class=tfx.dsl.experimental.LatestArtifactStrategy,
        statistics=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ExampleStatistics),
    ).with_id("LastStatistics")


def _provenance(config: Config, places: Places, code: CodeVersion) -> str:
    # Where and how it runs changes no result, so no report has to be written again for it.
    settings = config.model_dump(mode="json", exclude={"beam", "deploy"})
    return json.dumps(
        {
            "data": places.pattern,
            "commit": code.commit,
            "changed": code.changed,
            "settings": settings,
        }
    )


def _transform(config: Config, examples: Any, schema: Any) -> tfx.components.Transform:
    return tfx.components.Transform(
        examples=examples,
        schema=schema,
        preprocessing_fn=PREPROCESSING_FN,
        splits_config=tfx.proto.SplitsConfig(analyze=[TRAIN], transform=list(SPLITS)),
        custom_config={
            "settings": config.features.model_dump_json(),
            "source_digest": source_digest(PREPROCESSING_FN.rpartition(".")[0]),
        },
        # Statistics of 150,000 sparse columns would cost more than the training.
        disable_statistics=True,
        disable_analyzer_cache=True,
    )


def _trainer(config: Config, transform: tfx.components.Transform) -> tfx.components.Trainer:
    return tfx.components.Trainer(
        run_fn=RUN_FN,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=tfx.proto.TrainArgs(splits=[TRAIN]),
        eval_args=tfx.proto.EvalArgs(splits=[VALIDATION]),
        custom_config={
            "settings": config.trainer.model_dump_json(),
            "top_k": config.serving.top_k,
            "source_digest": source_digest(RUN_FN.rpartition(".")[0]),
        },
    )
