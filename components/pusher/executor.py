"""Executor of Pusher: pushes a blessed model atomically, and the same model only once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.components.pusher import executor as stock
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.evaluator.results import read_figures
from components.evaluator.tfma_metrics import EXAMPLES
from components.pusher.atomic_push import parse_destination, push_version
from schema import names
from schema.errors import UsageError

# 1 when this execution added a version, 0 when the latest version already was this model.
IS_NEW_PROPERTY: Final = "is_new"


class Executor(stock.Executor):
    """TFX's Pusher, except that a kill leaves no half version and nothing is pushed twice.

    The `pushed_model` artifact has the stock custom properties `pushed` (0 or 1),
    `pushed_destination` and `pushed_version`, and `is_new`; its folder holds a copy of the
    pushed model, as TFX's does. Both copies hold the model's test metrics, where it was
    evaluated.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if Evaluator (and InfraValidator, where given) blessed it.

        Args:
            input_dict: `model`, `model_blessing` and, where there are such, `infra_blessing`
                and `evaluation`.
            output_dict: `pushed_model`, one PushedModel artifact.
            exec_properties: `push_destination`, a PushDestination as JSON that names a
                file system's base directory.

        Raises:
            ValueError: There is no model blessing.
            UsageError: The destination is not a local directory that can be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        # Without a blessing the stock check warns and lets the model pass.
        if not input_dict.get(standard_component_specs.MODEL_BLESSING_KEY):
            raise ValueError("Pusher needs Evaluator's blessing as its input model_blessing.")
        if not self.CheckBlessing(input_dict):
            pushed.set_int_custom_property(IS_NEW_PROPERTY, 0)
            self._MarkNotPushed(pushed)
            return
        base = _read_base(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY])
        model_path = self.GetModelPath(input_dict)
        # The artifact gets its files first, and is what is pushed: so both are the same.
        io_utils.copy_dir(model_path, pushed.uri)
        _add_metrics(pushed, input_dict.get(standard_component_specs.EVALUATION_KEY))
        result = push_version(Path(pushed.uri), base, now=int(time.time()))
        if result.is_new:
            logging.info("Pushed the model to %s.", result.path)
        else:
            logging.info("Nothing new to push: %s already holds this model.", result.path)
        pushed.set_int_custom_property(IS_NEW_PROPERTY, int(result.is_new))
        self._MarkPushed(
            pushed,
            pushed_destination=str(result.path),
            pushed_version=str(result.version),
        )


def _read_base(serialized: str) -> Path:
    """Returns the base directory of a PushDestination in JSON."""
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(serialized, destination)
    base = destination.filesystem.base_directory
    if not base:
        raise UsageError("Pusher's push_destination names no base directory of a file system.")
    return parse_destination(base)


def _add_metrics(pushed: types.Artifact, evaluations: list[types.Artifact] | None) -> None:
    """Writes the test metrics into a copy of the model."""
    if not evaluations:
        return
    figures = read_figures(artifact_utils.get_single_instance(evaluations).uri)
    metrics = {**figures, EXAMPLES: int(figures[EXAMPLES])}
    io_utils.write_string_file(
        f"{pushed.uri}/{names.EXTRA_ASSETS_DIR}/{names.EVALUATION_FILE}",
        json.dumps(metrics, indent=2) + "\n",
    )
