"""The Report component: the last one of a run, it writes a page about it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.baselines.artifacts import BaselinesArtifact
from components.example_gen.artifacts import CurationArtifact
from components.report.artifacts import ReportArtifact
from components.report.executor import (
    BASELINES_KEY,
    CURATION_KEY,
    LAST_STATISTICS_KEY,
    PROVENANCE_KEY,
    REPORT_KEY,
    SETTINGS_KEY,
    Executor,
)

_SOURCE_DIGEST_KEY: Final = "source_digest"


def _channel(kind: type[types.Artifact], *, optional: bool = False) -> Any:
    return component_spec.ChannelParameter(type=kind, optional=optional)


class ReportSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of Report."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        PROVENANCE_KEY: component_spec.ExecutionParameter(type=str),
        _SOURCE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        standard_component_specs.EXAMPLES_KEY: _channel(standard_artifacts.Examples),
        CURATION_KEY: _channel(CurationArtifact),
        standard_component_specs.STATISTICS_KEY: _channel(standard_artifacts.ExampleStatistics),
        LAST_STATISTICS_KEY: _channel(standard_artifacts.ExampleStatistics, optional=True),
        standard_component_specs.MODEL_KEY: _channel(standard_artifacts.Model),
        standard_component_specs.MODEL_RUN_KEY: _channel(standard_artifacts.ModelRun),
        BASELINES_KEY: _channel(BaselinesArtifact, optional=True),
        standard_component_specs.INFRA_BLESSING_KEY: _channel(
            standard_artifacts.InfraBlessing, optional=True
        ),
        standard_component_specs.EVALUATION_KEY: _channel(standard_artifacts.ModelEvaluation),
        standard_component_specs.MODEL_BLESSING_KEY: _channel(standard_artifacts.ModelBlessing),
        standard_component_specs.PUSHED_MODEL_KEY: _channel(
            standard_artifacts.PushedModel, optional=True
        ),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {REPORT_KEY: _channel(ReportArtifact)}


class Report(base_component.BaseComponent):
    """Writes a page on how good the model is, where it fails and what it was trained on."""

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        curation: types.BaseChannel,
        statistics: types.BaseChannel,
        model: types.BaseChannel,
        model_run: types.BaseChannel,
        evaluation: types.BaseChannel,
        model_blessing: types.BaseChannel,
        settings: str,
        provenance: str,
        source_digest: str,
        last_statistics: types.BaseChannel | None = None,
        baselines: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        pushed_model: types.BaseChannel | None = None,
    ) -> None:
        """Builds the component.

        Args:
            examples: The raw Examples.
            curation: ExampleGen's curation counts.
            statistics: StatisticsGen's ExampleStatistics.
            model: Trainer's Model.
            model_run: Trainer's ModelRun.
            evaluation: Evaluator's ModelEvaluation.
            model_blessing: Evaluator's ModelBlessing.
            settings: ReportSettings as JSON.
            provenance: The fields of `components.report.facts.Provenance` as JSON.
            source_digest: Digest of this component's source, so that edited code runs again.
            last_statistics: The last run's statistics; may be empty.
            baselines: Baselines' scores.
            infra_blessing: InfraValidator's InfraBlessing, with its report.
            pushed_model: Pusher's PushedModel, with the version's name.
        """
        super().__init__(
            spec=ReportSpec(
                examples=examples,
                curation=curation,
                statistics=statistics,
                last_statistics=last_statistics,
                model=model,
                model_run=model_run,
                baselines=baselines,
                infra_blessing=infra_blessing,
                evaluation=evaluation,
                model_blessing=model_blessing,
                pushed_model=pushed_model,
                settings=settings,
                provenance=provenance,
                source_digest=source_digest,
                report=types.Channel(type=ReportArtifact),
            )
        )
