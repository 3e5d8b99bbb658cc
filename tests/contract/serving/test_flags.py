"""A server with the flags that TF Serving's own tensorflow_model_server_test.py starts it with.

What else it checks is in the other files, whose tests name its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from tests.support.contract import targets
from tests.support.contract.api import (
    Client,
    classification,
    examples,
    floats,
    multi_inference,
    predict_request,
    regression,
    wait_for,
)
from tests.support.contract.served_models import Library, config, listing, write_config

THREADS = 8
TWO = examples({"x": [2.0]})


@pytest.fixture(scope="module")
def server(startable: targets.Target, library: Library) -> Iterator[Client]:
    base = library.folder / "flags"
    for name in ("tf2", "slow"):
        library.publish(name, base / name, 123)
    models = listing(config(base, "tf2"), config(base, "slow"))
    flags = {
        "model_config_file": write_config(base / "models.config", models),
        "grpc_socket_path": library.folder / "grpc.sock",
        "grpc_channel_arguments": "grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb",
        "grpc_max_threads": THREADS,
        "enable_signature_method_name_check": False,
    }
    with targets.run_server(startable, library.folder, ["tf2", "slow"], flags) as running:
        client = Client(running.address)
        yield client
        client.close()


def spec_of(response):
    spec = response.model_spec
    return spec.name, spec.signature_name, spec.version.value


def test_a_model_of_tensorflow_2_classifies(server):
    """testClassifyTf2."""
    response = server.classify(classification(TWO, name="tf2", signature="classify_x_to_y"))
    ((score,),) = [[each.score for each in row.classes] for row in response.result.classifications]
    assert score == 3
    assert spec_of(response) == ("tf2", "classify_x_to_y", 123)


def test_a_model_of_tensorflow_2_regresses(server):
    """testRegressTf2."""
    response = server.regress(regression(TWO, name="tf2", signature="regress_x_to_y"))
    assert [each.value for each in response.result.regressions] == [3]
    assert spec_of(response) == ("tf2", "regress_x_to_y", 123)


def test_a_model_of_tensorflow_2_does_both_in_one_request(server):
    """testMultiInferenceTf2."""
    tasks = [("tf2", "regress_x_to_y", "regress"), ("tf2", "classify_x_to_y", "classify")]
    first, second = server.multi_inference(multi_inference(TWO, *tasks)).results
    assert first.regression_result.regressions[0].value == 3
    assert second.classification_result.classifications[0].classes[0].score == 3
    assert spec_of(first) == ("tf2", "regress_x_to_y", 123)
    assert spec_of(second) == ("tf2", "classify_x_to_y", 123)


def test_a_model_computes_with_arguments_of_the_channel(server):
    """testGoodGrpcChannelArgs."""
    assert list(server.predict("tf2", {"x": floats(2)}).outputs["y"].float_val) == [3]


def test_a_model_computes_over_a_socket(server, library):
    """testPredictUDS."""
    address = targets.Address(f"unix:{library.folder / 'grpc.sock'}", server.address.rest)
    client = Client(address)
    response = client.predict("tf2", {"x": floats(2)})
    client.close()
    assert list(response.outputs["y"].float_val) == [3]
    assert spec_of(response) == ("tf2", "serving_default", 123)


def test_calls_beyond_the_threads_are_refused_at_once(server):
    """--grpc_max_threads in main.cc: gRPC takes one of them itself. Over REST requests wait."""
    request = predict_request("slow", {"x": floats(2e5)})
    calls = [server.prediction.Predict.future(request, timeout=60) for _ in range(3 * THREADS)]
    wait_for(lambda: sum(call.done() for call in calls) > THREADS)
    assert server.post("tf2:predict", {"instances": [2.0]}).content == {"predictions": [3.0]}
    codes = [call.code() for call in calls]
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert THREADS - 1 <= codes.count(grpc.StatusCode.OK) <= THREADS
    refused = {call.details() for call in calls if call.code() is not grpc.StatusCode.OK}
    assert refused == {"Server Threadpool Exhausted"}
    assert server.predict("tf2", {"x": floats(2)}).outputs["y"].float_val
