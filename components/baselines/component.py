"""The Baselines component: simpler methods on the model's own splits, to compare it with."""

from __future__ import annotations

from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import BaselinesArtifact
from components.baselines.executor import BASELINES_KEY, INPUT_KEY, SETTINGS_KEY, Executor

Baselines = create_tfx_component_class(
    "Baselines",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        # The raw ones, with all three splits.
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(standard_artifacts.Examples)
    },
    output_channel_parameters={BASELINES_KEY: ChannelParameter(BaselinesArtifact)},
    execution_parameters={
        # BaselineSettings as JSON.
        SETTINGS_KEY: ExecutionParameter(str),
        # What the model, and so the baselines, read: `title_and_abstract` or `abstract`.
        INPUT_KEY: ExecutionParameter(str),
        # Digest of this component's source, so that edited code runs again.
        "source_digest": ExecutionParameter(str),
    },
)
