"""Much at once, large requests, and clients that go away: the server answers the next request."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import grpc
import numpy as np
import pytest

from schema import names
from tests.support.contract.api import (
    TIMEOUT,
    array,
    floats,
    http_request,
    predict_request,
    receive,
    refusal,
)

PATH = "/v1/models/half_plus_two:predict"
CONNECTIONS = 200
# What takes the slow model most of a second.
SLOW = 1e5


@pytest.fixture(autouse=True)
def still_answers(client):
    yield
    assert client.post("half_plus_two:predict", {"instances": [2.0]}).content == {
        "predictions": [3.0]
    }
    assert array(client.predict("half_plus_two", {"x": 2.0}).outputs["y"]).item() == 3


def http_post(*values):
    return http_request(f"POST {PATH}", json.dumps({"instances": values}).encode())


def test_200_connections_at_once_over_rest(client):
    """http_server.cc: a connection waits for a thread, none is refused."""
    with ExitStack() as stack:
        connections = [stack.enter_context(client.connect()) for _ in range(CONNECTIONS)]
        for number, connection in enumerate(connections):
            connection.sendall(http_post(float(number)))
        answers = [receive(connection).content for connection in connections]
    assert answers == [{"predictions": [number / 2 + 2.0]} for number in range(CONNECTIONS)]


def test_200_channels_at_once_over_grpc(client):
    """As over REST; a channel of its own for each request."""
    request = predict_request("half_plus_two", {"x": 2.0})
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(client.address.grpc, options) for _ in range(CONNECTIONS)]
    try:
        method = "/tensorflow.serving.PredictionService/Predict"
        calls = [
            channel.unary_unary(method).future(request.SerializeToString(), timeout=TIMEOUT)
            for channel in channels
        ]
        answers = {call.result() for call in calls}
    finally:
        for channel in channels:
            channel.close()
    assert len(answers) == 1


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_10000_texts_in_one_request(client, protocol):
    """api_rest.md, "Predict API", and predict.proto: no limit to the size of a batch."""
    distinct = [f"{'cs.LG ' * (number % 7)}{number}" for number in range(100)]

    def scores(texts):
        if protocol == "grpc":
            inputs = {names.INPUT_TEXT: np.array([text.encode() for text in texts], object)}
            return array(client.predict(names.MODEL_NAME, inputs).outputs[names.OUTPUT_SCORES])
        got = client.post(f"{names.MODEL_NAME}:predict", {"instances": texts})
        return np.array([row[names.OUTPUT_SCORES] for row in got.content["predictions"]])

    np.testing.assert_allclose(scores(distinct * 100), np.tile(scores(distinct), (100, 1)))


@pytest.mark.parametrize("size", [1_000, 5_000_000])
def test_a_large_tensor_goes_and_comes_back(client, size):
    """server.cc SetMaxMessageSize: over gRPC's own 4 MB."""
    x = np.arange(size, dtype=np.float32)
    response = client.predict("half_plus_two", {"x": x})
    np.testing.assert_array_equal(array(response.outputs["y"]), x / 2 + 2)


def test_a_client_that_hangs_up_half_way(client):
    """evhttp_server.cc: a request is handled when all of it is there."""
    whole = http_post(*[2.0] * 100)
    for size in (1, 20, whole.index(b"\r\n\r\n"), len(whole) // 2, len(whole) - 1):
        with client.connect() as connection:
            connection.sendall(whole[:size])


def test_a_client_that_does_not_wait_for_the_answer(client):
    for _ in range(20):
        with client.connect() as connection:
            connection.sendall(http_post(*[2.0] * 1000))


def test_a_call_over_grpc_that_is_cancelled(client):
    """PredictionService has no state: the next call is answered."""
    request = predict_request("slow", {"x": floats(SLOW)})
    calls = [client.prediction.Predict.future(request, timeout=TIMEOUT) for _ in range(5)]
    for call in calls:
        call.cancel()
    assert all(call.code() is grpc.StatusCode.CANCELLED for call in calls)


def test_bytes_that_are_not_http(client):
    with client.connect() as connection:
        connection.sendall(b"\x16\x03\x01\x00\xff not HTTP at all\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
    # libevent answers 400 or hangs up.
    assert answer == b"" or b" 400 " in answer.splitlines()[0]


def test_a_deadline_in_the_past(client):
    """gRPC: DEADLINE_EXCEEDED."""
    code, _ = refusal(lambda: client.predict("half_plus_two", {"x": 2.0}, timeout=-1.0))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_each_of_many_clients_gets_its_own_answer(client):
    """No request sees another's values."""

    def ask(number):
        if number % 2:
            return array(client.predict("half_plus_two", {"x": float(number)}).outputs["y"]).item()
        (value,) = client.post("half_plus_two:predict", {"instances": [number]}).content[
            "predictions"
        ]
        return value

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(ask, range(400))) == [number / 2 + 2 for number in range(400)]


def test_a_slow_request_holds_nobody_up(client):
    """predict_util.cc: requests run in parallel."""
    request = predict_request("slow", {"x": floats(10 * SLOW)})
    slow = client.prediction.Predict.future(request, timeout=TIMEOUT)
    assert client.post("half_plus_two:predict", {"instances": [2.0]}).status == 200
    assert not slow.done()
    slow.cancel()
