"""A server that computes requests together: --enable_batching, --batching_parameters_file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tests.support.contract import targets
from tests.support.contract.api import (
    Client,
    array,
    floats,
    predict_request,
    refusal,
    spec_of,
    wait_for,
)
from tests.support.contract.served_models import Library, config, listing, write_config

ROWS = 64
# batching/README.md: rows of a batch at most, no waiting, batches that may wait, threads.
PARAMETERS = f"""
max_batch_size {{ value: {ROWS} }}
batch_timeout_micros {{ value: 0 }}
max_enqueued_batches {{ value: 2 }}
num_batch_threads {{ value: 1 }}
"""
FULL = "The batch scheduling queue to which this task was submitted is full"


@pytest.fixture(scope="module")
def batching(startable: targets.Target, library: Library) -> Iterator[Client]:
    base = library.folder / "batching"
    for name in ("half_plus_two", "echo", "slow"):
        library.publish(name, base / name, 123)
    parameters = library.folder / "batching_parameters.txt"
    parameters.write_text(PARAMETERS)
    models = ["half_plus_two", "echo", "slow"]
    flags = {
        "model_config_file": write_config(
            library.folder / "batching.config", listing(*(config(base, name) for name in models))
        ),
        "enable_batching": True,
        "batching_parameters_file": parameters,
    }
    with targets.run_server(startable, library.folder, models, flags) as server:
        client = Client(server.address)
        yield client
        client.close()


@pytest.mark.parametrize("outputs", [["y"], []])
def test_a_model_computes(batching, outputs):
    """tensorflow_model_server_test.py testPredictBatching."""
    response = batching.predict("half_plus_two", {"x": floats(2)}, outputs=outputs)
    assert list(response.outputs["y"].float_val) == [3]
    assert spec_of(response) == ("half_plus_two", "serving_default", 123)


def test_each_request_gets_its_own_rows_back(batching):
    """batching/README.md: a batch is split again."""

    def ask(number):
        x = [float(number + place) for place in range(number % 3 + 1)]
        if number % 2:
            answer = array(batching.predict("half_plus_two", {"x": x}).outputs["y"]).tolist()
        else:
            got = batching.post("half_plus_two:predict", {"instances": x})
            answer = got.content["predictions"]
        return answer == [value / 2 + 2 for value in x]

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(ask, range(400)))


def test_a_wrong_request_does_not_spoil_its_batch(batching):
    """predict_util.cc PreProcessPrediction: it is refused before it meets others."""

    def ask(number):
        value = floats(float(number))
        if number % 4 == 0:
            wrong = [({"z": value}, {}), ({"x": value}, {"outputs": ["z"]})][number % 8 == 0]
            code, _ = refusal(lambda: batching.predict("half_plus_two", wrong[0], **wrong[1]))
            return code is grpc.StatusCode.INVALID_ARGUMENT
        if number % 2:
            response = batching.predict("half_plus_two", {"x": value})
            return array(response.outputs["y"]).tolist() == [number / 2 + 2]
        got = batching.post("half_plus_two:predict", {"instances": [number]})
        return got.content == {"predictions": [number / 2 + 2.0]}

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(1, 161)))


def test_a_tensor_must_have_rows(batching):
    """batching_session.cc: it is along the first dimension that requests are joined."""
    code, message = refusal(lambda: batching.predict("half_plus_two", {"x": floats(2, shape=())}))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "Batching Run() input tensors must have at least one dimension" in message


def test_all_inputs_must_have_as_many_rows(batching):
    """batching_session.cc."""
    columns = {"text": ["a"], "flag": [True], "tiny": [1], "small": [1], "large": [1]}
    got = batching.post("echo:predict", {"inputs": {**columns, "ratio": [1.0, 2.0]}})
    assert got.status == 400
    assert "Batching Run() input tensors must have equal 0th-dimension size" in got.error


def test_a_request_must_fit_a_batch(batching):
    """shared_batch_scheduler.h: without splitting, one task is one batch at most."""
    assert batching.post("half_plus_two:predict", {"instances": [2.0] * ROWS}).status == 200
    got = batching.post("half_plus_two:predict", {"instances": [2.0] * (ROWS + 1)})
    assert got.status == 400
    assert f"size {ROWS + 1} is larger than maximum input batch size {ROWS}" in got.error


def test_past_the_queue_requests_are_refused_at_once(batching):
    """shared_batch_scheduler.h: UNAVAILABLE; http_server.cc ToHTTPStatusCode: 503."""
    request = predict_request("slow", {"x": floats(*[2e5] * ROWS)})
    calls = [batching.prediction.Predict.future(request, timeout=60) for _ in range(8)]
    wait_for(lambda: any(call.done() for call in calls))
    got = batching.post("slow:predict", {"instances": [1.0] * ROWS})
    assert got.status == 503
    assert got.error.startswith(FULL)
    answered = [call for call in calls if call.code() is grpc.StatusCode.OK]
    refused = [call for call in calls if call not in answered]
    assert {call.code() for call in refused} == {grpc.StatusCode.UNAVAILABLE}
    # Releases differ in what they add: how full it is.
    assert all(call.details().startswith(FULL) for call in refused)
    # One in work, two that wait, and perhaps one between the two.
    assert 1 <= len(answered) <= 4
    assert all(set(array(call.result().outputs["y"])) == {2e5} for call in answered)
    # And it goes on.
    assert batching.post("slow:predict", {"instances": [3.0]}).content == {"predictions": [3.0]}
