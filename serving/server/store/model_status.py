"""What the server says about the states of a model's versions."""

from __future__ import annotations

from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec

from serving.server.store.models import ModelStore


def model_status(models: ModelStore, spec: ModelSpec) -> GetModelStatusResponse:
    """Returns the states of the versions that a request means; all where it names none.

    Raises:
        ServingError: As in `ModelStore.status`.

    Source: TF Serving's model_servers/get_model_status_impl.cc.
    """
    choice = spec.WhichOneof("version_choice")
    version = spec.version.value if choice == "version" else None
    label = spec.version_label if choice == "version_label" else None
    response = GetModelStatusResponse()
    for status in models.status(spec.name, version, label):
        found = response.model_version_status.add(
            version=status.version, state=ModelVersionStatus.State.Value(status.state)
        )
        # Set even where all is well, as in TF Serving's answers.
        found.status.error_code = status.code
        found.status.error_message = status.message
    return response
