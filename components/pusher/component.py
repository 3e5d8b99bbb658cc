"""The Pusher component: TFX's interface with our executor, evaluation, endpoint and digest.

It adds a blessed model to a serving folder, or deploys it to an endpoint, but only once.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.components.pusher import executor as stock
from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, proto_utils

from components.artifacts import Artifacts
from components.evaluator.results import read_figures
from components.metrics.names import EXAMPLES
from components.pusher import atomic_push, bucket_push
from components.pusher.endpoint_push import deploy_model
from components.pusher.model_version import PushResult
from components.pusher.settings import EndpointTarget
from schema import names
from schema.errors import UsageError

# 1 if this execution added a version, 0 if the latest version already was this model.
IS_NEW_PROPERTY: Final = "is_new"

ENDPOINT_KEY: Final = "endpoint"
WORDS_KEY: Final = "words"


class Executor(stock.Executor):
    """TFX's Pusher, except that a kill leaves no half version and nothing is pushed twice.

    The `pushed_model` artifact has TFX's custom properties `pushed` (0 or 1),
    `pushed_destination` and `pushed_version`, and `is_new`; its folder holds a copy of the
    pushed model, as TFX's does. Both copies hold the model's test metrics if it was evaluated.
    For an endpoint, the destination is the resource name of the model on Vertex AI, and the
    version its id on the endpoint.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Pushes the model if Evaluator (and InfraValidator, if given) blessed it.

        Args:
            input_dict: `model`, `model_blessing` and optionally `infra_blessing` and
                `evaluation`.
            output_dict: `pushed_model`, one PushedModel artifact.
            exec_properties: `push_destination`, a PushDestination as JSON with a file system's
                base directory, and `endpoint`, an EndpointTarget as JSON; if that is not empty,
                the model goes there instead; `words`, what the profile calls its data, as JSON.

        Raises:
            ValueError: There is no model blessing.
            UsageError: The destination can't be used.
            TaggerError: Writing failed, or Vertex AI refused.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        # Without a blessing TFX's check warns and lets the model pass.
        if not input_dict.get(standard_component_specs.MODEL_BLESSING_KEY):
            raise ValueError("Pusher needs Evaluator's blessing as its input model_blessing.")
        if not self.CheckBlessing(input_dict):
            pushed.set_int_custom_property(IS_NEW_PROPERTY, 0)
            self._MarkNotPushed(pushed)
            return
        # The artifact's own copy is what is pushed, so both are the same.
        io_utils.copy_dir(self.GetModelPath(input_dict), pushed.uri)
        _add_metrics(pushed, input_dict.get(standard_component_specs.EVALUATION_KEY))
        # Pipelines compiled by older versions have no such properties.
        if WORDS_KEY in exec_properties:
            path = f"{pushed.uri}/{names.EXTRA_ASSETS_DIR}/{names.WORDS_FILE}"
            io_utils.write_string_file(path, exec_properties[WORDS_KEY] + "\n")
        self._push(pushed, exec_properties)

    def _push(self, pushed: types.Artifact, exec_properties: dict[str, Any]) -> None:
        """Pushes the artifact's copy to the endpoint or else the folder, and notes where it is."""
        if endpoint := exec_properties.get(ENDPOINT_KEY):
            target = EndpointTarget.model_validate_json(endpoint)
            result = deploy_model(pushed.uri, bucket_push.digest_model(pushed.uri), target)
        else:
            base = _read_base(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY])
            result = push_version(pushed.uri, base, now=int(time.time()))
        told = "Pushed the model to %s." if result.is_new else "Nothing new to push: this is %s."
        logging.info(told, result.path)
        pushed.set_int_custom_property(IS_NEW_PROPERTY, int(result.is_new))
        self._MarkPushed(pushed, pushed_destination=result.path, pushed_version=str(result.version))


def push_version(model_dir: str, destination: str, now: int) -> PushResult:
    """Makes a SavedModel the newest version in a serving folder.

    Args:
        model_dir: Folder of the SavedModel.
        destination: Serving folder: a path, which gets the version in one step (see
            `atomic_push`), or the address of a folder in a bucket (see `bucket_push`).
        now: Seconds since 1970.

    Raises:
        BadInputError: `model_dir` holds no SavedModel.
        UsageError: The destination can't be used.
        TaggerError: Writing failed; no version was added.
    """
    if "://" not in destination:
        if "://" in model_dir:
            raise UsageError(
                f"The model is in {model_dir}, and the serving folder {destination} on a local "
                "disk. Give a folder in a bucket."
            )
        return atomic_push.push_version(Path(model_dir), Path(destination), now)
    scheme = destination.partition("://")[0]
    if scheme == "file" or scheme not in tf.io.gfile.get_registered_schemes():
        raise UsageError(
            f"Cannot push to {destination}: TensorFlow can't write to {scheme}:// here. Give a "
            "path without a scheme, or a folder in a bucket, as in gs://bucket/serving."
        )
    return bucket_push.push_version(model_dir, destination, now)


def _read_base(serialized: str) -> str:
    """Returns the base directory of a PushDestination in JSON."""
    destination = pusher_pb2.PushDestination()
    proto_utils.json_to_proto(serialized, destination)
    base = destination.filesystem.base_directory
    if not base:
        raise UsageError("Pusher's push_destination has no filesystem.base_directory.")
    return str(base)


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
