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
    spec_of,
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


def test_a_model_of_tensorflow_2_classifies_and_regresses(server):
    """testClassifyTf2, testRegressTf2 and testMultiInferenceTf2."""
    classified = server.classify(classification(TWO, name="tf2", signature="classify_x_to_y"))
    regressed = server.regress(regression(TWO, name="tf2", signature="regress_x_to_y"))
    tasks = [("tf2", "regress_x_to_y", "regress"), ("tf2", "classify_x_to_y", "classify")]
    both = server.multi_inference(multi_inference(TWO, *tasks)).results
    for result in (classified.result, both[1].classification_result):
        assert [[each.score for each in row.classes] for row in result.classifications] == [[3]]
    for result in (regressed.result, both[0].regression_result):
        assert [each.value for each in result.regressions] == [3]
    for each in (classified, both[1]):
        assert spec_of(each) == ("tf2", "classify_x_to_y", 123)
    for each in (regressed, both[0]):
        assert spec_of(each) == ("tf2", "regress_x_to_y", 123)


def test_a_model_computes_over_a_socket(server, library):
    """testPredictUDS, and testGoodGrpcChannelArgs."""
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
