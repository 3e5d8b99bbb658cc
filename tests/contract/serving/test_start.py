"""How a server starts, and the file it reads its models from."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2

from serving.server.ports import free_ports
from tests.support.contract import targets
from tests.support.contract.api import Client, array, refusal, wait_for
from tests.support.contract.served_models import Library, config, listing, write_config

START_SECONDS = 120


@pytest.fixture(scope="module")
def polling(startable: targets.Target, library: Library) -> Iterator[Client]:
    """A server that reads its configuration again and again."""
    base = library.folder / "polling"
    for name in ("half_plus_two", "half_plus_three"):
        library.publish(name, base / name, 123)
    flags = {
        "model_config_file": write_config(
            library.folder / "polling.config", listing(config(base, "half_plus_two"))
        ),
        "model_config_file_poll_wait_seconds": 1,
    }
    with targets.run_server(startable, library.folder, ["half_plus_two"], flags) as server:
        client = Client(server.address)
        yield client
        client.close()


def result(client, model):
    return array(client.predict(model, {"x": 2.0}).outputs["y"]).item()


def test_without_its_flag_there_is_no_health_service(polling):
    """main.cc: --enable_grpc_healthcheck_service is off by default."""
    code, _ = refusal(lambda: polling.health.Check(health_pb2.HealthCheckRequest(), 60))
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_a_changed_configuration_file_is_realized(polling, library):
    """tensorflow_model_server_test.py testModelConfigReload."""
    base, file = library.folder / "polling", library.folder / "polling.config"
    assert result(polling, "half_plus_two") == 3
    write_config(file, listing(config(base, "half_plus_three")))
    wait_for(lambda: polling.get("half_plus_three").status == 200)
    polling.wait_state("half_plus_three", 123, "AVAILABLE")
    assert result(polling, "half_plus_three") == 4
    polling.wait_state("half_plus_two", 123, "END")
    # server.cc PollFilesystemAndReloadConfig: a file that can't be read changes nothing, and one
    # that can be read again does.
    file.write_text("improperly formatted file")
    assert result(polling, "half_plus_three") == 4
    write_config(file, listing(config(base, "half_plus_two"), config(base, "half_plus_three")))
    polling.wait_state("half_plus_two", 123, "AVAILABLE")
    assert result(polling, "half_plus_three") == 4


def test_a_server_does_not_start_on_an_invalid_configuration_file(startable, library):
    """tensorflow_model_server_test.py testBadModelConfig."""
    file = library.folder / "bad_model_config.txt"
    file.write_text("improperly formatted file")
    log = library.folder / "bad_model_config.log"
    ports = free_ports()
    process = targets.start(startable, library.folder, {"model_config_file": file}, *ports, log)
    try:
        assert process.wait(START_SECONDS) != 0
    finally:
        process.kill()
    assert "ModelServerConfig" in log.read_text()
