"""ModelService.GetModelStatus, PredictionService.GetModelMetadata and the health service."""

from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis import get_model_metadata_pb2

from tests.support.contract.api import State, refusal

MODEL = "half_plus_two"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
SERVES = State("AVAILABLE", "OK", "")


@pytest.mark.parametrize("version", [None, 123])
def test_the_status_of_a_model(client, version):
    """tensorflow_model_server_test.py testGetModelStatus."""
    assert client.status(name=MODEL, version=version) == {123: SERVES}


def test_the_status_of_several_versions_starts_with_the_highest(client):
    """servable_state_monitor.h VersionMap: in decreasing order."""
    assert list(client.status(name="versions").items()) == [(2, SERVES), (1, SERVES)]
    assert client.status(name="versions", version=1) == {1: SERVES}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "no"}, "Could not find any versions of model no"),
        ({"name": MODEL, "version": 9}, f"Could not find version 9 of model {MODEL}"),
        ({"name": "no", "version": 9}, "Could not find version 9 of model no"),
    ],
)
def test_the_status_of_unknown_models_and_versions(client, spec, message):
    """get_model_status_impl.cc."""
    assert refusal(lambda: client.status(**spec)) == (NOT_FOUND, message)


@pytest.mark.parametrize("model", [MODEL, "one_or_two"])
def test_the_metadata_is_the_signatures_of_the_saved_model(client, library, model):
    """get_model_metadata_impl.cc SavedModelGetSignatureDef."""
    response = client.metadata(name=model)
    assert (response.model_spec.name, response.model_spec.version.value) == (model, 123)
    assert list(response.metadata) == ["signature_def"]
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    file = library.path(model) / "saved_model.pb"
    (graph,) = SavedModel.FromString(file.read_bytes()).meta_graphs
    assert dict(found.signature_def) == dict(graph.signature_def)


@pytest.mark.parametrize(
    ("choice", "version"),
    [({}, 2), ({"version": 1}, 1), ({"label": "stable"}, 1), ({"label": "canary"}, 2)],
)
def test_the_metadata_of_a_version(client, labelled, choice, version):
    """get_model_metadata_impl.cc: by the same ModelSpec as Predict."""
    response = client.metadata(name=labelled, **choice)
    assert response.model_spec.version.value == version


# get_model_metadata_impl.cc ValidateGetModelMetadataRequest and server_core.cc.
@pytest.mark.parametrize(
    ("fields", "spec", "code", "message"),
    [
        ([], {}, INVALID, "GetModelMetadataRequest must specify at least one metadata_field"),
        (["no"], {}, INVALID, "Metadata field no is not supported"),
        (["signature_def", "no"], {}, INVALID, "Metadata field no is not supported"),
        (["signature_def"], {"name": "no"}, NOT_FOUND, "Servable not found for request: Latest(no"),
        (["signature_def"], {"version": 9}, NOT_FOUND, f"Specific({MODEL}, 9)"),
        (["signature_def"], {"label": "no"}, INVALID, "Unrecognized servable version label: no"),
    ],
)
def test_refused_metadata_requests(client, fields, spec, code, message):
    got, details = refusal(lambda: client.metadata(fields, **{"name": MODEL, **spec}))
    assert got is code
    assert message in details


def test_the_health_service_tells_that_the_server_serves(client):
    """--enable_grpc_healthcheck_service in main.cc; GRPC Health Checking Protocol."""
    answer = client.health.Check(health_pb2.HealthCheckRequest(), 60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_health_service_does_not_know_every_name(client):
    """GRPC Health Checking Protocol: NOT_FOUND for a service that is not registered."""
    request = health_pb2.HealthCheckRequest(service="no")
    code, _ = refusal(lambda: client.health.Check(request, 60))
    assert code is NOT_FOUND
