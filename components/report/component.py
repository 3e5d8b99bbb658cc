"""The Report component: the last one of a run, it writes a page about it."""

from __future__ import annotations

from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import BaselinesArtifact, CurationArtifact, ReportArtifact
from components.report.executor import PROVENANCE_KEY, REPORT_KEY, SETTINGS_KEY, Executor

Report = create_tfx_component_class(
    "Report",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(standard_artifacts.Examples),
        "curation": ChannelParameter(CurationArtifact),
        standard_component_specs.STATISTICS_KEY: ChannelParameter(
            standard_artifacts.ExampleStatistics
        ),
        # May be empty: the first run has no earlier one.
        "last_statistics": ChannelParameter(standard_artifacts.ExampleStatistics, optional=True),
        standard_component_specs.MODEL_KEY: ChannelParameter(standard_artifacts.Model),
        standard_component_specs.MODEL_RUN_KEY: ChannelParameter(standard_artifacts.ModelRun),
        "baselines": ChannelParameter(BaselinesArtifact),
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            standard_artifacts.InfraBlessing
        ),
        standard_component_specs.EVALUATION_KEY: ChannelParameter(
            standard_artifacts.ModelEvaluation
        ),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
            standard_artifacts.ModelBlessing
        ),
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(standard_artifacts.PushedModel),
    },
    output_channel_parameters={REPORT_KEY: ChannelParameter(ReportArtifact)},
    execution_parameters={
        # ReportSettings as JSON.
        SETTINGS_KEY: ExecutionParameter(str),
        # As `components.report.facts.gather` takes it, as JSON.
        PROVENANCE_KEY: ExecutionParameter(str),
        # Digest of this component's source, so that edited code runs again.
        "source_digest": ExecutionParameter(str),
    },
)
