"""The Pusher component: TFX's interface with our executor and the source's digest."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration import data_types
from tfx.proto import pusher_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.pusher.executor import ENDPOINT_KEY, Executor

_SOURCE_DIGEST_KEY: Final = "source_digest"


class PusherSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of Pusher."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        standard_component_specs.PUSH_DESTINATION_KEY: component_spec.ExecutionParameter(
            type=pusher_pb2.PushDestination
        ),
        _SOURCE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
        ENDPOINT_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model
        ),
        standard_component_specs.MODEL_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelBlessing
        ),
        standard_component_specs.INFRA_BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
        standard_component_specs.EVALUATION_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ModelEvaluation, optional=True
        ),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        standard_component_specs.PUSHED_MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.PushedModel
        )
    }
    TYPE_ANNOTATION = standard_component_specs.PusherSpec.TYPE_ANNOTATION


class Pusher(base_component.BaseComponent):
    """Adds a blessed model to a serving folder, or deploys it to an endpoint, but only once."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        push_destination: pusher_pb2.PushDestination | data_types.RuntimeParameter,
        source_digest: str,
        infra_blessing: types.BaseChannel | None = None,
        evaluation: types.BaseChannel | None = None,
        endpoint: str = "",
    ) -> None:
        """Builds the component.

        Args:
            model: Channel of Trainer's Model.
            model_blessing: Channel of Evaluator's ModelBlessing.
            push_destination: File system with the serving folder, the parent of the versions:
                a local path, or a folder in a bucket.
            source_digest: Digest of this component's source, so that edited code runs again.
            infra_blessing: Channel of InfraValidator's InfraBlessing.
            evaluation: Channel of Evaluator's ModelEvaluation, whose metrics are pushed with
                the model.
            endpoint: An EndpointTarget as JSON, to deploy the model to a Vertex AI endpoint
                instead; empty for the serving folder.
        """
        super().__init__(
            spec=PusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                evaluation=evaluation,
                push_destination=push_destination,
                source_digest=source_digest,
                endpoint=endpoint,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
