"""The InfraValidator component: a model that can't be served is never pushed.

TFX's own needs Docker or Kubernetes, and its Kubeflow runner refuses it.
"""

from __future__ import annotations

from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.infra_validator.executor import SETTINGS_KEY, Executor

InfraValidator = create_tfx_component_class(
    "InfraValidator",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        standard_component_specs.MODEL_KEY: ChannelParameter(standard_artifacts.Model),
        # The raw ones; their validation split is read.
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(standard_artifacts.Examples),
    },
    output_channel_parameters={
        standard_component_specs.BLESSING_KEY: ChannelParameter(standard_artifacts.InfraBlessing)
    },
    execution_parameters={
        # InfraSettings as JSON.
        SETTINGS_KEY: ExecutionParameter(str),
        # Digest of the source of this component and the local model server, so that edited code
        # runs again.
        "source_digest": ExecutionParameter(str),
    },
)
