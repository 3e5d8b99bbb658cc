"""The status and metadata APIs of the REST API, and the metrics."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import ParseDict
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

MODEL = "half_plus_two"


def available(version):
    status = {"error_code": "OK", "error_message": ""}
    return {"version": str(version), "state": "AVAILABLE", "status": status}


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/123"])
def test_the_status_of_a_model(client, path):
    """tensorflow_model_server_test.py testGetStatusREST."""
    got = client.get(path)
    assert (got.status, got.content) == (200, {"model_version_status": [available(123)]})
    assert got.content_type == "application/json"


def test_the_status_of_several_versions(client):
    """api_rest.md, "Model status API": without a version, all of them."""
    got = client.get("versions")
    assert got.content == {"model_version_status": [available(2), available(1)]}
    assert client.get("versions/versions/1").content == {"model_version_status": [available(1)]}


def test_the_status_by_label(client, labelled):
    """http_rest_api_handler_test.cc GetStatus: by version label."""
    got = client.get(f"{labelled}/labels/stable")
    # No release of TF Serving looks at the label.
    assert (got.status, got.content) == (200, client.get(labelled).content)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no", "Could not find any versions of model no"),
        (f"{MODEL}/versions/9", f"Could not find version 9 of model {MODEL}"),
    ],
)
def test_the_status_of_unknown_models_and_versions(client, path, message):
    """get_model_status_impl.cc."""
    got = client.get(path)
    assert (got.status, got.error) == (404, message)


def test_the_metadata_of_a_model(client):
    """tensorflow_model_server_test.py testGetModelMetadataREST: from its expected file."""
    got = client.get(f"{MODEL}/metadata")
    assert got.status == 200
    assert got.content_type == "application/json"
    content = got.content
    assert content["model_spec"] == {"name": MODEL, "signature_name": "", "version": "123"}
    signatures = content["metadata"]["signature_def"]["signature_def"]
    rows_of_one = {
        "dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}],
        "unknown_rank": False,
    }

    def floats(name):
        return {"dtype": "DT_FLOAT", "tensor_shape": rows_of_one, "name": name}

    default = signatures["serving_default"]
    assert default["inputs"] == {"x": floats("x:0")}
    assert default["outputs"] == {"y": floats("y:0")}
    assert default["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize("model", [MODEL, "one_or_two"])
def test_the_metadata_has_all_signatures_of_the_saved_model(client, library, model):
    """http_rest_api_util.cc ToJsonString: proto field names, defaults written out."""
    file = library.path(model) / "saved_model.pb"
    (graph,) = SavedModel.FromString(file.read_bytes()).meta_graphs
    content = client.get(f"{model}/metadata").content
    found = content["metadata"]["signature_def"]["signature_def"]
    assert {name: ParseDict(found[name], SignatureDef()) for name in found} == dict(
        graph.signature_def
    )
    shapes = [each["tensor_shape"] for one in found.values() for each in one["outputs"].values()]
    assert all("unknown_rank" in shape for shape in shapes)  # Also where it is false.


@pytest.mark.parametrize(
    ("path", "version"),
    [("", "2"), ("/versions/1", "1"), ("/labels/stable", "1"), ("/labels/canary", "2")],
)
def test_the_metadata_of_a_version(client, labelled, path, version):
    """api_rest.md, "Model Metadata API", "URL"."""
    content = client.get(f"{labelled}{path}/metadata").content
    assert content["model_spec"]["version"] == version


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("no", 404, "Servable not found for request: Latest(no)"),
        (f"{MODEL}/versions/9", 404, f"Servable not found for request: Specific({MODEL}, 9)"),
        (f"{MODEL}/labels/no", 400, "Unrecognized servable version label: no"),
    ],
)
def test_the_metadata_of_unknown_models_and_versions(client, path, status, message):
    """server_core.cc."""
    got = client.get(f"{path}/metadata")
    assert (got.status, got.error) == (status, message)
