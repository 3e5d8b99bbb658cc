"""The server as a whole: its options, ports, signals, and how it ends."""

import asyncio
import logging
import os
import signal
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc
import httpx
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from schema.errors import UsageError
from serving.server.options import ServerOptions
from serving.server.ports import free_ports
from serving.server.server import ModelServer, run_server
from tests.support.contract.api import predict_request, wait_for
from tests.support.running_server import RunningServer, running
from tests.support.saved_models import half_plus_two

BODY = {"instances": [1.0]}
PREDICT = "/v1/models/default:predict"
ANSWER = {"predictions": [2.5]}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("half")
    half_plus_two(folder / "1")
    return folder


def make(options: ServerOptions) -> ModelServer:
    async def inside() -> ModelServer:
        return ModelServer(options)

    return asyncio.run(inside())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ServerOptions(), "neither --model_base_path nor --model_config_file"),
        (ServerOptions(use_alts_credentials=True), "has no --use_alts_credentials"),
        (ServerOptions(model_config_file=Path("/no/such.config")), "/no/such.config"),
        (
            ServerOptions(model_base_path=Path("out/m")),
            r"^INVALID_ARGUMENT: Expected model default to have an absolute path or URI; got "
            r"base_path\(\)=out/m\. Correct --model_base_path",
        ),
        (
            ServerOptions(
                model_base_path=Path("/m"),
                tensorflow_session_parallelism=1,
                tensorflow_intra_op_parallelism=1,
                tensorflow_inter_op_parallelism=1,
            ),
            "Give either --tensorflow_session_parallelism",
        ),
        (
            ServerOptions(model_base_path=Path("/m"), monitoring_config_file=Path("/no/file")),
            "/no/file",
        ),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(UsageError, match=message):
        make(options)


@pytest.mark.parametrize("flag", ["--port", "--rest_api_port"])
def test_a_taken_port(base, flag):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = {"port": 0, "rest_api_port": 0, flag[2:]: taken}
        with pytest.raises(UsageError) as caught:
            run_server(ServerOptions(model_base_path=base, **ports))
    assert f"127.0.0.1:{taken}" in str(caught.value)
    assert f"choose another with {flag}." in str(caught.value)


@pytest.mark.parametrize("host", ["999.1.1.1", "a..b", "192.0.2.1"])
def test_a_host_that_is_none_of_this_machine(base, host):
    options = ServerOptions(model_base_path=base, host=host, port=0, rest_api_port=0)
    with pytest.raises(UsageError, match=rf"listen on {host}:0: .* Correct --host"):
        run_server(options)


def test_two_servers_do_not_share_a_port(base):
    with running(ServerOptions(model_base_path=base)) as first:
        for number in (first.server.grpc_port, first.server.rest_port):
            options = ServerOptions(model_base_path=base, port=number, rest_api_port=None)
            with pytest.raises(UsageError, match=f":{number}"):
                run_server(options)
        # Nor with a server that would share, as TF Serving's own would.
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", first.server.grpc_port))
        assert httpx.post(first.rest_url + PREDICT, json=BODY).json() == ANSWER
    with pytest.raises(UsageError, match="can't share port 8600"):
        run_server(ServerOptions(model_base_path=base, port=8600, rest_api_port=8600))


def test_what_cannot_be_loaded_fails_the_start_after_some_tries(tmp_path, caplog):
    half_plus_two(tmp_path / "1")
    warm_up = tmp_path / "1" / "assets.extra" / "tf_serving_warmup_requests"
    warm_up.parent.mkdir()
    warm_up.write_bytes(b"nonsense" * 9)
    options = ServerOptions(
        model_base_path=tmp_path,
        port=0,
        rest_api_port=0,
        max_num_load_retries=1,
        load_retry_interval_micros=1000,
    )
    with pytest.raises(UsageError, match=r"^UNKNOWN: 1 servable\(s\) did not .* DATA_LOSS: "):
        run_server(options)
    assert caplog.text.count("cannot be loaded") == 2
    with running(replace(options, enable_model_warmup=False)) as server:
        assert predict(server) == 2.5


def test_rest_can_be_off(base):
    with running(ServerOptions(model_base_path=base, rest_api_port=None)) as server:
        assert server.server.rest_port == 0
        assert predict(server) == 2.5


@pytest.mark.parametrize(("enabled", "status"), [("true", 200), ("false", 404)])
def test_the_monitoring_file_moves_the_metrics_or_turns_them_off(base, tmp_path, enabled, status):
    file = tmp_path / "monitoring.config"
    file.write_text(f'prometheus_config {{ enable: {enabled} path: "/m" }}')
    with running(ServerOptions(model_base_path=base, monitoring_config_file=file)) as server:
        assert httpx.get(server.rest_url + "/m").status_code == status
        assert httpx.get(server.rest_url + "/monitoring/prometheus/metrics").status_code == 404


def test_running_requests_end_before_the_server_does(base, monkeypatch):
    entered, leave = hold_requests(monkeypatch)
    with running(ServerOptions(model_base_path=base)) as server, ThreadPoolExecutor(3) as pool:
        over_grpc = pool.submit(predict, server)
        over_rest = pool.submit(httpx.post, server.rest_url + PREDICT, json=BODY, timeout=60)
        wait_for(lambda: len(entered) == 2)
        stop = pool.submit(server.do, server.server.stop(60))
        for port in (server.server.grpc_port, server.server.rest_port):
            wait_for(lambda port=port: refuses(port))
        assert not any(future.done() for future in (stop, over_grpc, over_rest))
        leave.set()
        assert over_grpc.result(60) == 2.5
        assert over_rest.result(60).json() == ANSWER
        stop.result(60)


def test_requests_past_the_grace_period_are_cut_off(base, monkeypatch):
    entered, _ = hold_requests(monkeypatch)
    with running(ServerOptions(model_base_path=base)) as server, ThreadPoolExecutor(3) as pool:
        over_grpc = pool.submit(predict, server)
        over_rest: Future[httpx.Response] = pool.submit(
            httpx.post, server.rest_url + PREDICT, json=BODY, timeout=60
        )
        wait_for(lambda: len(entered) == 2)
        server.do(server.server.stop(0.1))
        with pytest.raises(grpc.RpcError):
            over_grpc.result(60)
        assert isinstance(over_rest.exception(60), httpx.TransportError) or (
            over_rest.result().status_code == 500
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_both_servers_but_not_running_requests(base, caplog, monkeypatch, number):
    entered, leave = hold_requests(monkeypatch)
    ports = free_ports()

    def ask_and_end() -> httpx.Response:
        wait_for(lambda: f"Exporting HTTP/REST API at:127.0.0.1:{ports[1]}" in caplog.text)
        with ThreadPoolExecutor(1) as asker:
            url = f"http://127.0.0.1:{ports[1]}{PREDICT}"
            answer = asker.submit(httpx.post, url, json=BODY, timeout=60)
            wait_for(lambda: len(entered) == 1)
            os.kill(os.getpid(), number)
            try:
                for port in ports:
                    wait_for(lambda port=port: refuses(port))
            finally:
                leave.set()
            return answer.result()

    caplog.set_level(logging.INFO)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask_and_end)
        run_server(ServerOptions(model_base_path=base, port=ports[0], rest_api_port=ports[1]))
        assert answer.result(60).json() == ANSWER
    assert f"Running gRPC ModelServer at 127.0.0.1:{ports[0]}" in caplog.text


def test_an_endless_computation_does_not_delay_the_exit(base, caplog, monkeypatch):
    entered, leave = threading.Event(), threading.Event()
    codes = []
    port, _ = free_ports()

    def compute(*_):
        entered.set()
        leave.wait(60)
        return []

    def end(code: int) -> None:
        codes.append(code)
        leave.set()

    def ask_and_end() -> None:
        wait_for(lambda: "Exporting HTTP/REST API" in caplog.text)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"http://127.0.0.1:{port}{PREDICT}", json=BODY, timeout=1)
        assert entered.is_set()
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("serving.server.model.saved_model.SavedModel.run", compute)
    monkeypatch.setattr("serving.server.server._UNLOAD_SECONDS", 0.1)
    monkeypatch.setattr("serving.server.server.os._exit", end)
    monkeypatch.setattr(ModelServer.stop, "__defaults__", (0.1,))
    # Or the program would have no output left.
    monkeypatch.setattr("serving.server.server.logging.shutdown", lambda: None)
    caplog.set_level(logging.INFO)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask_and_end)
        run_server(ServerOptions(model_base_path=base, port=0, rest_api_port=port))
        asked.result()
    assert codes == [0]
    assert "A model is still computing" in caplog.text


def test_a_signal_ends_a_server_that_waits_for_a_model(tmp_path, caplog):
    def end() -> None:
        try:
            wait_for(lambda: "No versions of servable default found" in caplog.text)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    killer = threading.Thread(target=end)
    killer.start()
    run_server(ServerOptions(model_base_path=tmp_path, port=0, rest_api_port=0))
    killer.join()


def predict(server: RunningServer) -> float:
    request = predict_request("default", {"x": [1.0]})
    with grpc.insecure_channel(server.grpc_address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=60).outputs["y"].float_val[0]


def hold_requests(monkeypatch) -> tuple[list[None], threading.Event]:
    """Makes every run of a model wait; returns who waits, and what lets them go."""
    from serving.server.model.runners import DirectRunner

    entered: list[None] = []
    leave = threading.Event()
    run = DirectRunner.run

    async def held(*args, **kwargs):
        entered.append(None)
        while not leave.is_set():
            await asyncio.sleep(0.01)
        return await run(*args, **kwargs)

    monkeypatch.setattr(DirectRunner, "run", held)
    return entered, leave


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return True
    return False
