"""The InfraValidator component: a model that can't be served is never pushed.

TFX's own needs Docker or Kubernetes, and its Kubeflow runner refuses it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.infra_validator.executor import SETTINGS_KEY, Executor

_SOURCE_DIGEST_KEY: Final = "source_digest"


class InfraValidatorSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of InfraValidator."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        _SOURCE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        standard_component_specs.MODEL_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Model
        ),
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        ),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        standard_component_specs.BLESSING_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing
        )
    }


class InfraValidator(base_component.BaseComponent):
    """Has a real server load the candidate and answer about real papers."""

    SPEC_CLASS = InfraValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        settings: str,
        source_digest: str,
    ) -> None:
        """Builds the component.

        Args:
            model: Channel of Trainer's Model.
            examples: Channel of the raw Examples; their validation split is read.
            settings: InfraSettings as JSON.
            source_digest: Digest of the source of this component and the local model server, so
                that edited code runs again.
        """
        super().__init__(
            spec=InfraValidatorSpec(
                model=model,
                examples=examples,
                settings=settings,
                source_digest=source_digest,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
