"""Deploys a model to a Vertex AI endpoint, and the same model only once.

TFX's `google_cloud_ai_platform.runner` uploads and deploys each time, leaves every older model
deployed (and its machines running), and sets no label by which to recognize a model. So this calls
Vertex AI's own client.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from absl import logging

from components.pusher.google_cloud import default_credentials, google_errors
from components.pusher.model_version import PushResult
from components.pusher.settings import EndpointTarget
from schema.errors import TaggerError, UsageError

if TYPE_CHECKING:
    from google.cloud import aiplatform

# The label by which a model is found again.
DIGEST_LABEL: Final = "content"
# A label has at most 63 characters; 128 bits are enough.
_DIGITS: Final = 32


def deploy_model(model_dir: str, digest: str, target: EndpointTarget) -> PushResult:
    """Makes an endpoint serve a model, with all of its traffic, and no other.

    The endpoint is found by its display name, or created. The model gets a label with its digest,
    and a model that was uploaded before is not uploaded again. Models that earlier pushes deployed
    are undeployed once the new one serves, so there is no gap. What a person deployed there stays,
    without traffic. The same model on other machines or in another container is deployed again.

    Args:
        model_dir: Folder of the SavedModel in Cloud Storage.
        digest: The model's digest in hexadecimal digits.
        target: The endpoint, and what serves it.

    Raises:
        UsageError: The model is in no bucket, or Vertex AI finds a setting wrong.
        TaggerError: Vertex AI refused or can't be reached.
    """
    if not model_dir.startswith("gs://"):
        raise UsageError(
            f"Vertex AI takes models only from Cloud Storage, and this one is in {model_dir}. "
            "Set deploy.push_to to bucket."
        )
    action = f"deploy the model to the endpoint {target.name!r}"
    with google_errors(action, target.project, target.region):
        return _deploy_once(model_dir, digest, target)


def _deploy_once(model_dir: str, digest: str, target: EndpointTarget) -> PushResult:
    from google.cloud import aiplatform

    place: dict[str, Any] = {
        "project": target.project,
        "location": target.region,
        "credentials": default_credentials(),
    }
    served_as = _deployed_name(digest, target)
    endpoint = _find_endpoint(target, place) or aiplatform.Endpoint.create(
        display_name=target.name, **place
    )
    deployed, traffic = endpoint.list_models(), endpoint.traffic_split
    serving = [each for each in deployed if each.display_name == served_as and traffic.get(each.id)]
    is_new = not serving
    if is_new:
        endpoint.deploy(
            model=_find_or_upload(model_dir, digest[:_DIGITS], target, place),
            deployed_model_display_name=served_as,
            traffic_percentage=100,
            machine_type=target.machine_type,
            min_replica_count=target.replicas,
            max_replica_count=target.most_replicas,
        )
        before = {old.id for old in deployed}
        serving = [each for each in endpoint.list_models() if each.id not in before]
    if len(serving) != 1:
        raise TaggerError(
            f"The endpoint {endpoint.resource_name} serves {len(serving)} models named "
            f"{served_as} instead of one: somebody else deployed at the same time. Run again."
        )
    ours = re.compile(rf"{re.escape(target.name)}-[0-9a-f]{{{_DIGITS}}}")
    for old in deployed:
        if old.id != serving[0].id and ours.fullmatch(old.display_name):
            logging.info("Undeploying %s.", old.display_name)
            endpoint.undeploy(deployed_model_id=old.id)
    logging.info("%s serves %s.", endpoint.resource_name, serving[0].model)
    return PushResult(serving[0].id, serving[0].model, is_new)


def _deployed_name(digest: str, target: EndpointTarget) -> str:
    """Returns the name of a deployed model: it stands for the model and its settings.

    Deployed models have no labels.
    """
    served = f"{digest} {target.model_dump_json()}"
    return f"{target.name}-{hashlib.sha256(served.encode()).hexdigest()[:_DIGITS]}"


def _find_endpoint(target: EndpointTarget, place: dict[str, Any]) -> aiplatform.Endpoint | None:
    from google.cloud import aiplatform

    found = aiplatform.Endpoint.list(filter=f'display_name="{target.name}"', **place)
    if len(found) > 1:
        addresses = ", ".join(endpoint.resource_name for endpoint in found)
        raise UsageError(
            f"{len(found)} endpoints are called {target.name!r}: {addresses}. Rename or delete all "
            "but one, or set deploy.endpoint.name to another name."
        )
    return found[0] if found else None


def _find_or_upload(
    model_dir: str, label: str, target: EndpointTarget, place: dict[str, Any]
) -> aiplatform.Model:
    """Returns the model that an earlier push uploaded, and perhaps failed to deploy, or uploads."""
    from google.cloud import aiplatform

    found = aiplatform.Model.list(
        filter=f'display_name="{target.name}" AND labels.{DIGEST_LABEL}="{label}"', **place
    )
    for model in found:
        # The image belongs to the uploaded model: another image makes another model.
        if model.container_spec and model.container_spec.image_uri == target.container:
            return model
    uploaded: aiplatform.Model = aiplatform.Model.upload(
        display_name=target.name,
        artifact_uri=model_dir,
        serving_container_image_uri=target.container,
        labels={DIGEST_LABEL: label},
        **place,
    )
    return uploaded
