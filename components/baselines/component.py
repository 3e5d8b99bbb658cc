"""The Baselines component: simpler methods on the model's own splits, to compare it with."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.baselines.artifacts import BaselinesArtifact
from components.baselines.executor import BASELINES_KEY, INPUT_KEY, SETTINGS_KEY, Executor

_SOURCE_DIGEST_KEY: Final = "source_digest"


class BaselinesSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of Baselines."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        INPUT_KEY: component_spec.ExecutionParameter(type=str),
        _SOURCE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        standard_component_specs.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples
        )
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        BASELINES_KEY: component_spec.ChannelParameter(type=BaselinesArtifact)
    }


class Baselines(base_component.BaseComponent):
    """Trains and scores the baselines on the model's own splits."""

    SPEC_CLASS = BaselinesSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, examples: types.BaseChannel, settings: str, model_input: str, source_digest: str
    ) -> None:
        """Builds the component.

        Args:
            examples: Channel of the raw Examples, with all three splits.
            settings: BaselineSettings as JSON.
            model_input: What the model and so the baselines read, `title_and_abstract` or
                `abstract`.
            source_digest: Digest of this component's source, so that edited code runs again.
        """
        super().__init__(
            spec=BaselinesSpec(
                examples=examples,
                settings=settings,
                model_input=model_input,
                source_digest=source_digest,
                baselines=types.Channel(type=BaselinesArtifact),
            )
        )
