"""Deploying to a Vertex AI endpoint: the requests that leave, and what comes of refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.pusher.endpoint_push import deploy_model
from components.pusher.model_version import PushResult
from components.pusher.settings import EndpointTarget
from schema.errors import TaggerError, UsageError
from tests.support.http_stand_in import Answer, Asked, HttpStandIn
from tests.support.vertex_stand_in import (
    PARENT,
    PROJECT,
    REGION,
    TOKEN,
    refusal,
    vertex_stand_in,
)

CONTAINER = "prediction/tf2-cpu:2.16"
TARGET = EndpointTarget(
    project=PROJECT,
    region=REGION,
    name="tagger",
    machine_type="n1-standard-2",
    replicas=2,
    most_replicas=5,
    container=CONTAINER,
)
MODEL_DIR = "gs://bucket/pipeline/Pusher/pushed_model/7"
DIGEST, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4


class Vertex:
    """As much of Vertex AI's state as a push can see, behind its REST API."""

    def __init__(self, server: HttpStandIn) -> None:
        self.server = server
        self.models: list[dict[str, Any]] = []
        self.endpoints: list[dict[str, Any]] = []
        base = f"/v1/{PARENT}"
        server.on("GET", f"{base}/endpoints", lambda asked: self._list("endpoints", asked))
        server.on("GET", f"{base}/models", lambda asked: self._list("models", asked))
        server.on("POST", f"{base}/endpoints", self._create)
        server.on("POST", f"{base}/models:upload", self._upload)
        server.on("GET", f"{base}/endpoints/.*", lambda asked: self._get(self.endpoints, asked))
        server.on("GET", f"{base}/models/.*", lambda asked: self._get(self.models, asked))
        server.on("POST", f"{base}/endpoints/[0-9]+:deployModel", self._deploy)
        server.on("POST", f"{base}/endpoints/[0-9]+:undeployModel", self._undeploy)

    def changes(self) -> list[str]:
        """The last part of every address that something was sent to."""
        return [
            asked.path.rpartition("/")[2] for asked in self.server.asked if asked.method == "POST"
        ]

    def sent(self, path: str) -> Any:
        (asked,) = self.server.asked_for("POST", f"/v1/{PARENT}/{path}")
        return asked.body

    def _list(self, kind: str, asked: Asked) -> Answer:
        """Filters as Vertex AI does: `name="value"` terms with AND between them."""
        found = getattr(self, kind)
        for term in asked.query["filter"].split(" AND "):
            key, value = re.fullmatch(r'([\w.]+)="(.*)"', term).groups()  # type: ignore[union-attr]
            if key == "display_name":
                found = [item for item in found if item["displayName"] == value]
            else:
                label = key.removeprefix("labels.")
                found = [item for item in found if item.get("labels", {}).get(label) == value]
        return {kind: found}

    def _get(self, kept: list[dict[str, Any]], asked: Asked) -> Answer:
        name = asked.path.removeprefix("/v1/").partition("@")[0]
        (found,) = (item for item in kept if item["name"] == name)
        return found

    def _create(self, asked: Asked) -> Answer:
        made = {**asked.body, "name": f"{PARENT}/endpoints/{100 + len(self.endpoints)}"}
        self.endpoints.append(made)
        return _operation(made["name"], "CreateEndpoint", {"name": made["name"]}, "Endpoint")

    def _upload(self, asked: Asked) -> Answer:
        made = {
            **asked.body["model"],
            "name": f"{PARENT}/models/{200 + len(self.models)}",
            "versionId": "1",
            "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"],
        }
        self.models.append(made)
        return _operation(
            made["name"], "UploadModel", {"model": made["name"], "model_version_id": "1"}
        )

    def _deploy(self, asked: Asked) -> Answer:
        endpoint = self._endpoint(asked)
        deployed = {**asked.body["deployedModel"], "id": str(300 + len(self.changes()))}
        endpoint.setdefault("deployedModels", []).append(deployed)
        split = asked.body["trafficSplit"]
        endpoint["trafficSplit"] = {
            deployed["id"] if key == "0" else key: split[key] for key in split
        }
        return _operation(endpoint["name"], "DeployModel", {"deployedModel": deployed})

    def _undeploy(self, asked: Asked) -> Answer:
        endpoint = self._endpoint(asked)
        gone = asked.body["deployedModelId"]
        endpoint["deployedModels"] = [m for m in endpoint["deployedModels"] if m["id"] != gone]
        endpoint["trafficSplit"] = asked.body["trafficSplit"]
        return _operation(endpoint["name"], "UndeployModel", {})

    def _endpoint(self, asked: Asked) -> dict[str, Any]:
        name = asked.path.removeprefix("/v1/").partition(":")[0]
        (found,) = (item for item in self.endpoints if item["name"] == name)
        return found


def _operation(
    name: str, kind: str, response: dict[str, Any], answer: str | None = None
) -> dict[str, Any]:
    """Returns an operation that is done."""
    of = "type.googleapis.com/google.cloud.aiplatform.v1"
    return {
        "name": f"{name}/operations/9",
        "done": True,
        "metadata": {"@type": f"{of}.{kind}OperationMetadata"},
        "response": {"@type": f"{of}.{answer or kind + 'Response'}", **response},
    }


@pytest.fixture
def vertex(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vertex]:
    with vertex_stand_in(monkeypatch) as server:
        yield Vertex(server)


def test_first_push_makes_the_endpoint_uploads_and_deploys_with_all_traffic(vertex: Vertex) -> None:
    result = deploy_model(MODEL_DIR, DIGEST, TARGET)
    assert vertex.changes() == ["endpoints", "models:upload", "100:deployModel"]
    assert vertex.sent("endpoints")["displayName"] == "tagger"
    model = vertex.sent("models:upload")["model"]
    assert model["displayName"] == "tagger"
    assert model["artifactUri"] == MODEL_DIR
    assert model["containerSpec"]["imageUri"] == CONTAINER
    assert model["labels"] == {"content": DIGEST[:32]}
    assert {asked.headers["authorization"] for asked in vertex.server.asked} == {f"Bearer {TOKEN}"}
    deploy = vertex.sent("endpoints/100:deployModel")
    assert deploy["trafficSplit"] == {"0": 100}
    deployed = deploy["deployedModel"]
    assert deployed["model"] == f"{PARENT}/models/200@1"
    assert deployed["dedicatedResources"]["machineSpec"] == {"machineType": "n1-standard-2"}
    assert deployed["dedicatedResources"]["minReplicaCount"] == 2
    assert deployed["dedicatedResources"]["maxReplicaCount"] == 5
    served_as = vertex.endpoints[0]["deployedModels"][0]["id"]
    assert result == PushResult(served_as, f"{PARENT}/models/200@1", is_new=True)


def test_same_model_is_not_deployed_twice(vertex: Vertex) -> None:
    first = deploy_model(MODEL_DIR, DIGEST, TARGET)
    before = vertex.changes()
    again = deploy_model("gs://bucket/elsewhere", DIGEST, TARGET)
    assert vertex.changes() == before
    assert again == PushResult(first.version, first.path, is_new=False)


def test_next_model_takes_all_traffic_and_the_older_goes_afterwards(vertex: Vertex) -> None:
    first = deploy_model(MODEL_DIR, DIGEST, TARGET)
    vertex.server.asked.clear()
    second = deploy_model("gs://bucket/8", OTHER, TARGET)
    assert vertex.changes() == ["models:upload", "100:deployModel", "100:undeployModel"]
    assert vertex.sent("endpoints/100:deployModel")["trafficSplit"] == {"0": 100}
    assert vertex.sent("endpoints/100:undeployModel")["deployedModelId"] == first.version
    (endpoint,) = vertex.endpoints
    assert [model["id"] for model in endpoint["deployedModels"]] == [second.version]
    assert endpoint["trafficSplit"] == {second.version: 100}


def test_what_a_person_deployed_loses_its_traffic_and_stays(vertex: Vertex) -> None:
    deploy_model(MODEL_DIR, DIGEST, TARGET)
    (endpoint,) = vertex.endpoints
    endpoint["deployedModels"].append({"id": "7", "displayName": "tagger-by-hand", "model": "m"})
    endpoint["trafficSplit"]["7"] = 0
    deploy_model("gs://bucket/8", OTHER, TARGET)
    names = [model["displayName"] for model in endpoint["deployedModels"]]
    assert len(names) == 2
    assert "tagger-by-hand" in names


def test_model_that_was_uploaded_and_not_deployed_is_not_uploaded_again(vertex: Vertex) -> None:
    vertex.server.on("POST", ".*:deployModel", refusal(429, "RESOURCE_EXHAUSTED", "no machines"))
    with pytest.raises(TaggerError, match=r"deploy the model.*no machines"):
        deploy_model(MODEL_DIR, DIGEST, TARGET)
    vertex.server.asked.clear()
    vertex.server.on("POST", ".*:deployModel", vertex._deploy)
    assert deploy_model(MODEL_DIR, DIGEST, TARGET).is_new
    assert vertex.changes() == ["100:deployModel"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"machine_type": "n1-standard-8"}, ["100:deployModel", "100:undeployModel"]),
        ({"container": "other:1"}, ["models:upload", "100:deployModel", "100:undeployModel"]),
        ({"name": "second"}, ["endpoints", "models:upload", "101:deployModel"]),
    ],
)
def test_same_model_served_in_another_way_is_deployed_again(
    vertex: Vertex, change: dict[str, str], expected: list[str]
) -> None:
    deploy_model(MODEL_DIR, DIGEST, TARGET)
    vertex.server.asked.clear()
    assert deploy_model(MODEL_DIR, DIGEST, TARGET.model_copy(update=change)).is_new
    assert vertex.changes() == expected


def test_several_endpoints_of_one_name_are_refused(vertex: Vertex) -> None:
    for number in (1, 2):
        vertex.endpoints.append({"name": f"{PARENT}/endpoints/{number}", "displayName": "tagger"})
    with pytest.raises(UsageError, match=r"2 endpoints are called 'tagger'.*endpoints/2"):
        deploy_model(MODEL_DIR, DIGEST, TARGET)
    assert vertex.changes() == []


def test_a_model_on_a_disk_can_not_be_deployed(vertex: Vertex) -> None:
    with pytest.raises(UsageError, match="/local/model"):
        deploy_model("/local/model", DIGEST, TARGET)
    assert vertex.server.asked == []
