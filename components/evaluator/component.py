"""The Evaluator component: TFX's with our executor, and our source digest in its cache key."""

from __future__ import annotations

from typing import Final

from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from components.baselines.artifacts import BaselinesArtifact
from components.evaluator.executor import BASELINES_KEY, INFRA_BLESSING_KEY, Executor
from schema.names import TEST

# TFX looks for `custom_extractors` in it.
EXTRACTORS_MODULE: Final = "components.evaluator.extractors"


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's specification, plus InfraValidator's verdict, the baselines and our source's digest."""

    PARAMETERS = {  # noqa: RUF012 - the attribute of the base class has no annotation
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "source_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012 - as above
        **standard_component_specs.EvaluatorSpec.INPUTS,
        BASELINES_KEY: ChannelParameter(type=BaselinesArtifact, optional=True),
        INFRA_BLESSING_KEY: ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Measures a model on the test split and blesses it if it passes the gate."""

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel | None,
        schema: types.BaseChannel,
        eval_config: config_pb2.EvalConfig | data_types.RuntimeParameter,
        source_digest: str,
        infra_blessing: types.BaseChannel | None = None,
        baselines: types.BaseChannel | None = None,
    ) -> None:
        """Builds the component.

        Args:
            examples: The raw examples; only their test split is read.
            model: The candidate.
            baseline_model: The last blessed model; may be empty, or None if nothing resolves it.
            schema: The curated schema.
            eval_config: What is measured, and the gate; in a cloud a runtime parameter with it
                as JSON.
            source_digest: Digest of the metrics' source; TFX doesn't see edits of code that it
                imports by path.
            infra_blessing: InfraValidator's verdict, if there is one; a model that it refused is
                neither measured nor blessed.
            baselines: The baselines, where the gate asks for a comparison with them.
        """
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            schema=schema,
            eval_config=eval_config,
            example_splits=json_utils.dumps([TEST]),
            fairness_indicator_thresholds=json_utils.dumps(None),
            module_path=EXTRACTORS_MODULE,
            source_digest=source_digest,
            infra_blessing=infra_blessing,
            baselines=baselines,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec=spec)
