"""The Evaluator component: TFX's with our executor, and our source digest in its cache key."""

from __future__ import annotations

import json
from typing import Any, Final

from absl import logging
from apache_beam.utils import shared
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as stock
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from components.artifacts import Artifacts, BaselinesArtifact
from components.evaluator.eval_config import hold_to_baselines
from schema import names
from serving.model_metadata import ModelMetadata

# TFX looks for `custom_extractors` in it.
EXTRACTORS_MODULE: Final = "components.evaluator.extractors"
BASELINES_KEY: Final = "baselines"
INFRA_BLESSING_KEY: Final = standard_component_specs.INFRA_BLESSING_KEY


class Executor(stock.Executor):
    """TFX's Evaluator, except that it neither measures nor blesses what can't be served.

    So the last blessed model is always the last pushed one, and the next candidate is compared
    with the model that clients use.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates the model as TFX does, unless InfraValidator refused it.

        Args:
            input_dict: As TFX's, plus `infra_blessing` if InfraValidator ran, and `baselines` if
                the gate compares with them.
            output_dict: As TFX's. `evaluation` also gets the labels of the metrics per label;
                for a refused model it gets only the reason, and `blessing` is that of a model
                that missed its bounds.
            exec_properties: As TFX's.
        """
        infra_blessing = input_dict.get(INFRA_BLESSING_KEY)
        if infra_blessing and not model_utils.is_infra_validated(
            artifact_utils.get_single_instance(infra_blessing)
        ):
            self._log_startup(input_dict, output_dict, exec_properties)
            _refuse(input_dict, output_dict, exec_properties)
            return
        config = config_pb2.EvalConfig()
        eval_config = standard_component_specs.EVAL_CONFIG_KEY
        proto_utils.json_to_proto(exec_properties[eval_config], config)
        held = hold_to_baselines(config, _baseline_figures(input_dict))
        resolved = {**exec_properties, eval_config: proto_utils.proto_to_json(config)}
        try:
            super().Do(input_dict, output_dict, resolved)
        finally:
            # Beam keeps the model until something else is shared. At the end of the process that
            # would be too late: TensorFlow's functions then end with a traceback each.
            shared.Shared().acquire(set)
        _write(output_dict, names.BASELINE_BOUNDS_FILE, held)
        _write_labels(input_dict, output_dict)


def _baseline_figures(input_dict: Artifacts) -> dict[str, dict[str, float]]:
    if BASELINES_KEY not in input_dict:
        return {}
    uri = artifact_utils.get_single_uri(input_dict[BASELINES_KEY])
    with fileio.open(f"{uri}/{names.BASELINES_FILE}", "r") as file:
        return {name: each["figures"] for name, each in json.loads(file.read()).items()}


def _write(output_dict: Artifacts, name: str, content: object) -> None:
    """Writes a file beside the metrics."""
    uri = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
    io_utils.write_string_file(f"{uri}/{name}", json.dumps(content) + "\n")


def _write_labels(input_dict: Artifacts, output_dict: Artifacts) -> None:
    """Writes the candidate's labels and threshold beside the metrics, which know only columns."""
    model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
    saved_model = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    metadata = ModelMetadata(saved_model, fileio.open)
    content = {"labels": metadata.labels, "threshold": metadata.threshold}
    _write(output_dict, names.EVALUATED_LABELS_FILE, content)


def _refuse(input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
    """Writes the reason, and a refusal with the properties that TFX sets."""
    specs = standard_component_specs
    infra = artifact_utils.get_single_uri(input_dict[INFRA_BLESSING_KEY])
    reason = f"The model can't be served: see {infra}/{names.INFRA_REPORT_FILE}."
    _write(output_dict, names.NOT_EVALUATED_FILE, {"reason": reason})
    blessing = artifact_utils.get_single_instance(output_dict[specs.BLESSING_KEY])
    models = [
        (specs.MODEL_KEY, constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY,
         constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY),
        (specs.BASELINE_MODEL_KEY, constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY,
         constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY),
    ]  # fmt: skip
    for key, uri_property, id_property in models:
        for model in input_dict.get(key, []):
            blessing.set_string_custom_property(uri_property, model.uri)
            blessing.set_int_custom_property(id_property, model.id)
    if "current_component_id" in exec_properties:
        blessing.set_string_custom_property("component_id", exec_properties["current_component_id"])
    io_utils.write_string_file(f"{blessing.uri}/{constants.NOT_BLESSED_FILE_NAME}", "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE
    )
    logging.info("Not evaluated. %s", reason)


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
            example_splits=json_utils.dumps([names.TEST]),
            fairness_indicator_thresholds=json_utils.dumps(None),
            module_path=EXTRACTORS_MODULE,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            **given,
        )
        super().__init__(spec=spec)
