"""The DataCheck component: what depends on it only runs on data that matches the schema.

Stock TFX continues after anomalies, and may run Transform before ExampleValidator. Make this
component an upstream node of whatever must wait for it.
"""

from __future__ import annotations

from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import DataCheckReport
from components.data_check.executor import ANOMALIES_KEY, DATA_CHECK_KEY, Executor

DataCheck = create_tfx_component_class(
    "DataCheck",
    ExecutorClassSpec(Executor),
    # ExampleValidator's.
    input_channel_parameters={ANOMALIES_KEY: ChannelParameter(standard_artifacts.ExampleAnomalies)},
    output_channel_parameters={DATA_CHECK_KEY: ChannelParameter(DataCheckReport)},
    # Digest of this component's source, so that edited code runs again.
    execution_parameters={"source_digest": ExecutionParameter(str)},
)
