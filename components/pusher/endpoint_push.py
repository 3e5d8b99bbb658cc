"""Deploys a model to a Vertex AI endpoint, and the same model only once.

TFX's own way, `tfx.extensions.google_cloud_ai_platform.runner`, uploads and deploys each time,
leaves every older model deployed (and its machines running), and takes no label by which a
model could be told again. So this talks to Vertex AI itself.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from absl import logging
from pydantic import ValidationError

from components.pusher.google_cloud import check_region, clear_errors, find_credentials
from components.pusher.settings import EndpointTarget
from schema.errors import TaggerError, UsageError

if TYPE_CHECKING:
    from google.cloud import aiplatform

# A model's label, by which it is found again.
DIGEST_LABEL: Final = "content"
# A label takes 63 characters; 128 bits are enough.
_DIGITS: Final = 32


@dataclass(frozen=True)
class Deployment:
    """Where the model is served from.

    Attributes:
        model: Resource name of the model.
        endpoint: Resource name of the endpoint.
        deployed_id: Number of the model on the endpoint.
        is_new: False when the endpoint already served this model.
    """

    model: str
    endpoint: str
    deployed_id: str
    is_new: bool


def read_target(text: str) -> EndpointTarget:
    """Reads the `endpoint` property of Pusher.

    Raises:
        UsageError: Something that a deployment needs is missing or wrong.
    """
    try:
        return EndpointTarget.model_validate_json(text)
    except ValidationError as error:
        wrong = ", ".join(
            f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()
        )
        raise UsageError(
            f"Pusher can't deploy to an endpoint: {wrong}. Give deploy.project, deploy.region and "
            "deploy.endpoint in the profile."
        ) from error


def deploy_model(model_dir: str, digest: str, target: EndpointTarget) -> Deployment:
    """Makes an endpoint serve a model, with all of its traffic, and no other.

    The endpoint is found by its display name, or made. The model gets a label with its digest;
    a model that was uploaded before is taken as it is. Models that earlier pushes deployed are
    taken from the endpoint once the new one serves, so that there is no gap. What a person
    deployed there stays, without traffic. The same model on other machines or in another
    container is deployed again.

    Args:
        model_dir: Folder of the SavedModel in Cloud Storage.
        digest: The model's digest in hexadecimal digits.
        target: Which endpoint, and what serves it.

    Raises:
        UsageError: The model is in no bucket, or Vertex AI finds a setting wrong.
        TaggerError: Vertex AI refused or can't be reached.
    """
    if not model_dir.startswith("gs://"):
        raise UsageError(
            f"Vertex AI takes models from Cloud Storage only, and this one lies in {model_dir}. "
            "Set deploy.push_to to bucket."
        )
    check_region(target.region)
    place = {
        "project": target.project,
        "location": target.region,
        "credentials": find_credentials(),
    }
    label = digest[:_DIGITS]
    served_as = _deployed_name(digest, target)
    endpoint = _find_endpoint(target, place) or _make_endpoint(target, place)
    with _asking("see what the endpoint serves", target):
        deployed = endpoint.list_models()
        traffic = endpoint.traffic_split
    serving = [
        model for model in deployed if model.display_name == served_as and traffic.get(model.id)
    ]
    is_new = not serving
    if is_new:
        model = _find_model(label, target, place) or _upload(model_dir, label, target, place)
        _deploy(model, served_as, endpoint, target)
        with _asking("see what the endpoint serves", target):
            before = {old.id for old in deployed}
            serving = [found for found in endpoint.list_models() if found.id not in before]
    if len(serving) != 1:
        raise TaggerError(
            f"The endpoint {endpoint.resource_name} serves {len(serving)} models named "
            f"{served_as}, where one is due: somebody else deployed at this moment. Run again."
        )
    older = [old for old in deployed if old.id != serving[0].id and _is_ours(old, target)]
    _undeploy(older, endpoint, target)
    return Deployment(serving[0].model, endpoint.resource_name, serving[0].id, is_new)


def _deployed_name(digest: str, target: EndpointTarget) -> str:
    """Returns the name that a deployed model gets: it stands for the model and its settings.

    Vertex AI has no labels on deployed models.
    """
    settled = f"{digest} {target.model_dump_json()}"
    return f"{target.name}-{hashlib.sha256(settled.encode()).hexdigest()[:_DIGITS]}"


def _is_ours(deployed: Any, target: EndpointTarget) -> bool:
    pattern = rf"{re.escape(target.name)}-[0-9a-f]{{{_DIGITS}}}"
    return re.fullmatch(pattern, deployed.display_name) is not None


def _asking(action: str, target: EndpointTarget) -> AbstractContextManager[None]:
    return clear_errors(action, target.project, target.region)


def _find_endpoint(target: EndpointTarget, place: dict[str, Any]) -> aiplatform.Endpoint | None:
    from google.cloud import aiplatform

    with _asking(f"look for the endpoint {target.name!r}", target):
        found = aiplatform.Endpoint.list(filter=f'display_name="{target.name}"', **place)
    if len(found) > 1:
        addresses = ", ".join(endpoint.resource_name for endpoint in found)
        raise UsageError(
            f"{len(found)} endpoints are called {target.name!r}: {addresses}. Rename or delete all "
            "but one, or set deploy.endpoint.name to another name."
        )
    return found[0] if found else None


def _make_endpoint(target: EndpointTarget, place: dict[str, Any]) -> aiplatform.Endpoint:
    from google.cloud import aiplatform

    with _asking(f"make the endpoint {target.name!r}", target):
        return aiplatform.Endpoint.create(display_name=target.name, **place)


def _find_model(
    label: str, target: EndpointTarget, place: dict[str, Any]
) -> aiplatform.Model | None:
    """Returns the model that an earlier push uploaded, and perhaps failed to deploy."""
    from google.cloud import aiplatform

    with _asking("look for the model", target):
        found = aiplatform.Model.list(
            filter=f'display_name="{target.name}" AND labels.{DIGEST_LABEL}="{label}"', **place
        )
    # The image is part of the uploaded model: another one makes another model.
    for model in found:
        if model.container_spec and model.container_spec.image_uri == target.container:
            return model
    return None


def _upload(
    model_dir: str, label: str, target: EndpointTarget, place: dict[str, Any]
) -> aiplatform.Model:
    from google.cloud import aiplatform

    with _asking("upload the model", target):
        model: aiplatform.Model = aiplatform.Model.upload(
            display_name=target.name,
            artifact_uri=model_dir,
            serving_container_image_uri=target.container,
            labels={DIGEST_LABEL: label},
            **place,
        )
    return model


def _deploy(
    model: aiplatform.Model, served_as: str, endpoint: aiplatform.Endpoint, target: EndpointTarget
) -> None:
    with _asking("deploy the model", target):
        endpoint.deploy(
            model=model,
            deployed_model_display_name=served_as,
            traffic_percentage=100,
            machine_type=target.machine_type,
            min_replica_count=target.replicas,
            max_replica_count=target.most_replicas,
        )


def _undeploy(older: list[Any], endpoint: aiplatform.Endpoint, target: EndpointTarget) -> None:
    for model in older:
        logging.info("Taking %s from the endpoint.", model.display_name)
        with _asking(f"take the older model {model.display_name} from the endpoint", target):
            endpoint.undeploy(deployed_model_id=model.id)
