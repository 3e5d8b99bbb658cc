"""The Evaluator component: TFX's with our executor, and our source digest in its cache key."""

from __future__ import annotations

from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.artifacts import BaselinesArtifact
from components.evaluator.executor import BASELINES_KEY, INFRA_BLESSING_KEY, Executor
from schema.names import TEST

# TFX looks for `custom_extractors` in it.
EXTRACTORS_MODULE: Final = "components.evaluator.extractors"


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's specification, plus InfraValidator's verdict, the baselines and our source's digest."""

    PARAMETERS = {  # noqa: RUF012 - the attribute of the base class has no annotation
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        # TFX doesn't see edits of code that it imports by path.
        "source_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012 - as above
        **standard_component_specs.EvaluatorSpec.INPUTS,
        # Where the gate asks for a comparison with them.
        BASELINES_KEY: ChannelParameter(type=BaselinesArtifact, optional=True),
        # A model that it refuses is neither measured nor blessed.
        INFRA_BLESSING_KEY: ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Measures a model on the test split and blesses it if it passes the gate."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, **given: Any) -> None:
        """Builds the component of its inputs and parameters, see `EvaluatorSpec`."""
        spec = EvaluatorSpec(
            example_splits=json_utils.dumps([TEST]),
            fairness_indicator_thresholds=json_utils.dumps(None),
            module_path=EXTRACTORS_MODULE,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            **given,
        )
        super().__init__(spec=spec)
