"""The Pusher component: TFX's interface with our executor, evaluation, endpoint and digest.

It adds a blessed model to a serving folder, or deploys it to an endpoint, but only once.
"""

from __future__ import annotations

from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.pusher.executor import ENDPOINT_KEY, WORDS_KEY, Executor

Pusher = create_tfx_component_class(
    "Pusher",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        standard_component_specs.MODEL_KEY: ChannelParameter(standard_artifacts.Model),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
            standard_artifacts.ModelBlessing
        ),
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            standard_artifacts.InfraBlessing, optional=True
        ),
        # Its metrics are pushed with the model.
        standard_component_specs.EVALUATION_KEY: ChannelParameter(
            standard_artifacts.ModelEvaluation, optional=True
        ),
    },
    output_channel_parameters={
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(standard_artifacts.PushedModel)
    },
    execution_parameters={
        # A file system with the serving folder, the parent of the versions: a local path, or a
        # folder in a bucket.
        standard_component_specs.PUSH_DESTINATION_KEY: ExecutionParameter(
            pusher_pb2.PushDestination
        ),
        # An EndpointTarget as JSON, to deploy the model to a Vertex AI endpoint instead; empty
        # for the serving folder.
        ENDPOINT_KEY: ExecutionParameter(str),
        # The words of the profile as JSON, for the page of a server.
        WORDS_KEY: ExecutionParameter(str),
        # Digest of this component's source, so that edited code runs again.
        "source_digest": ExecutionParameter(str),
    },
    type_annotation=standard_component_specs.PusherSpec.TYPE_ANNOTATION,
)
