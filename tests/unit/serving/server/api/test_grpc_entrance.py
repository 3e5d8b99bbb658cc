"""Which calls over gRPC are let in: with the token, as many at once as there are threads."""

from __future__ import annotations

import subprocess
import sys
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import predict_pb2

from serving.server.options import ServerOptions
from tests.support.contract.api import floats, predict_request
from tests.support.contract.served_models import Library
from tests.support.running_server import running

PREDICT = "/tensorflow.serving.PredictionService/Predict"
TOKEN = "b0a7"
# Minutes of counting.
ENDLESS = 1e9


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Takes two calls at once, as one of its threads waits for the next one."""
    folder = tmp_path_factory.mktemp("entrance")
    library = Library(folder)
    library.publish("slow", folder / "slow", 1)
    (folder / "token").write_text(TOKEN)
    options = ServerOptions(
        model_name="slow",
        model_base_path=folder / "slow",
        grpc_max_threads=3,
        max_computing_bytes=100_000,
        auth_token_file=folder / "token",
        enable_grpc_healthcheck_service=True,
    )
    with running(options) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc_address) as channel:
        yield channel


def call(channel, content=None, method=PREDICT, authorization=f"Bearer {TOKEN}", x=3.0, **how):
    """Starts a call with the content, or to count to x."""
    request = predict_request("slow", {"x": floats(x)}).SerializeToString()
    metadata = [("authorization", authorization)] if authorization else []
    return channel.unary_unary(method).future(
        request if content is None else content, metadata=metadata, **how
    )


def refusal(started: grpc.Future) -> tuple[str, str]:
    return started.code().name, started.details()


def answer(started: grpc.Future) -> list[float]:
    return list(predict_pb2.PredictResponse.FromString(started.result()).outputs["y"].float_val)


@pytest.fixture(autouse=True)
def _still_answers(channel):
    yield
    assert answer(call(channel, timeout=60, wait_for_ready=True)) == [3]


def test_what_is_more_than_the_threads_is_refused_and_not_counted(server, channel):
    """gRPC's thread_manager.cc and server_cc.cc."""
    slow = [call(channel, x=ENDLESS, timeout=2) for _ in range(4)]
    refusals = sorted(refusal(each) for each in slow)
    assert [code for code, _ in refusals[:2]] == ["DEADLINE_EXCEEDED"] * 2
    assert refusals[2:] == [("RESOURCE_EXHAUSTED", "Server Threadpool Exhausted")] * 2
    assert "RESOURCE_EXHAUSTED" not in server.server._monitoring.text()


def test_calls_whose_message_never_comes_take_no_thread(channel):
    ended = threading.Event()

    def nothing():
        ended.wait(60)
        yield from ()

    metadata = [("authorization", f"Bearer {TOKEN}")]
    silent = [channel.stream_unary(PREDICT).future(nothing(), metadata=metadata) for _ in range(9)]
    assert answer(call(channel)) == [3]
    for each in silent:
        each.cancel()
    ended.set()


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("PredictionService/Predict", "Predict"),
        ("PredictionService/Classify", "Classification"),
        ("PredictionService/Regress", "Regression"),
        ("PredictionService/MultiInference", "MultiInference"),
        ("PredictionService/GetModelMetadata", "GetModelMetadata"),
        ("ModelService/GetModelStatus", "GetModelStatus"),
        ("ModelService/HandleReloadConfigRequest", "ReloadConfig"),
    ],
)
def test_every_method_wants_a_message_and_the_token(channel, method, kind):
    method = f"/tensorflow.serving.{method}"
    # As from gRPC's C++ server, which gives no reason.
    words = f"The message is not a tensorflow.serving.{kind}Request"
    assert refusal(call(channel, b"\xff", method)) == ("INTERNAL", words)
    for wrong in ("", "Bearer b0a8", f"Basic {TOKEN}", "Bearer"):
        code, details = refusal(call(channel, b"", method, wrong))
        assert code == "UNAUTHENTICATED"
        assert "Authorization: Bearer TOKEN" in details


@pytest.mark.parametrize("compression", grpc.Compression)
def test_a_message_may_have_as_much_as_may_be_computed(channel, compression):
    code, details = refusal(call(channel, bytes(100_001), compression=compression))
    assert code == "RESOURCE_EXHAUSTED"
    assert "Received message larger than max (100001 vs. 100000)" in details


def test_a_message_of_too_many_fields_is_not_read(channel):
    """Half a minute for 64 MB of empty inputs, which gzip makes small."""
    inputs, cut = b"\x12\x00" * 40_000, b"\x12\xff\xff"
    assert refusal(call(channel, inputs)) == (
        "INVALID_ARGUMENT",
        "The message has more than 1000 fields.",
    )
    code, _ = refusal(call(channel, b"\x1a\xf0\xa2\x04" + bytes(70_000) + cut))
    assert code == "INTERNAL"


@pytest.mark.parametrize("service", ["tensorflow.serving.PredictionService", "ModelService"])
def test_health_needs_no_token(channel, service):
    health = health_pb2_grpc.HealthStub(channel)
    answer = health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


CONNECTIONS = """
import asyncio, socket
from serving.server.api.grpc_service import make_grpc_server
from serving.server.options import ServerOptions

async def main():
    server = make_grpc_server(None, None, ServerOptions(), None)
    address = "127.0.0.1", server.add_insecure_port("127.0.0.1:0")
    await server.start()
    clients = [socket.create_connection(address, timeout=60) for _ in range(80)]
    answered = 0
    for client in clients:
        # HTTP/2 begins with this, and with settings, which are answered.
        try:
            client.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
            client.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            answered += bool(await asyncio.to_thread(client.recv, 1))
        except ConnectionError:
            pass
    print(answered)
    await server.stop(None)

asyncio.run(main())
"""


def test_connections_leave_files_to_rest_and_models():
    run = ["bash", "-c", f"ulimit -n 256; exec {sys.executable} -c '{CONNECTIONS}'"]
    assert subprocess.check_output(run, text=True, stderr=subprocess.DEVNULL) == "64\n"
