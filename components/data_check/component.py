"""The DataCheck component: what depends on it only runs on data that matches the schema."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.artifact import Artifact

from components.data_check.executor import ANOMALIES_KEY, DATA_CHECK_KEY, Executor

_SOURCE_DIGEST_KEY: Final = "source_digest"


class DataCheckReport(Artifact):
    """The summary of a passed check, with its warnings."""

    TYPE_NAME = "arxiv_tagger.DataCheck"


class DataCheckSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of DataCheck."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        _SOURCE_DIGEST_KEY: component_spec.ExecutionParameter(type=str)
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        ANOMALIES_KEY: component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies)
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        DATA_CHECK_KEY: component_spec.ChannelParameter(type=DataCheckReport)
    }


class DataCheck(base_component.BaseComponent):
    """Stops the run when the data doesn't match the curated schema.

    Stock TFX continues after anomalies, and may run Transform before ExampleValidator. Make this
    component an upstream node of whatever must wait for it.
    """

    SPEC_CLASS = DataCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, anomalies: types.BaseChannel, source_digest: str) -> None:
        """Builds the component.

        Args:
            anomalies: Channel of ExampleValidator's ExampleAnomalies.
            source_digest: Digest of this component's source, so that edited code runs again.
        """
        super().__init__(
            spec=DataCheckSpec(
                anomalies=anomalies,
                source_digest=source_digest,
                data_check=types.Channel(type=DataCheckReport),
            )
        )
