"""Executor of Evaluator: TFX's own, except for models that can't be served."""

from __future__ import annotations

import json
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as stock
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from schema import names
from serving.model_metadata import ModelMetadata

INFRA_BLESSING_KEY: Final = standard_component_specs.INFRA_BLESSING_KEY

_Artifacts = dict[str, list[types.Artifact]]


class Executor(stock.Executor):
    """TFX's Evaluator, except that it neither measures nor blesses what can't be served.

    So the last blessed model is always the last pushed one, and the next candidate is compared
    with the model that clients use.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates the model as TFX does, unless InfraValidator refused it.

        Args:
            input_dict: As TFX's, plus `infra_blessing` if InfraValidator ran.
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
        super().Do(input_dict, output_dict, exec_properties)
        _write_labels(input_dict, output_dict)


def _write_labels(input_dict: _Artifacts, output_dict: _Artifacts) -> None:
    """Writes the candidate's labels and thresholds beside the metrics, which know only columns."""
    model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
    saved_model = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    metadata = ModelMetadata(saved_model, fileio.open)
    content = {"labels": metadata.labels, "thresholds": metadata.thresholds}
    evaluation = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
    io_utils.write_string_file(
        f"{evaluation}/{names.EVALUATED_LABELS_FILE}", json.dumps(content) + "\n"
    )


def _refuse(
    input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
) -> None:
    """Writes the reason, and a refusal with the properties that TFX sets."""
    specs = standard_component_specs
    infra = artifact_utils.get_single_uri(input_dict[INFRA_BLESSING_KEY])
    evaluation = artifact_utils.get_single_uri(output_dict[specs.EVALUATION_KEY])
    reason = f"The model can't be served: see {infra}/{names.INFRA_REPORT_FILE}."
    io_utils.write_string_file(
        f"{evaluation}/{names.NOT_EVALUATED_FILE}", json.dumps({"reason": reason}) + "\n"
    )
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
