"""How a server starts, and the file it reads its models from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from serving.server.ports import free_ports
from tests.support.contract import targets
from tests.support.contract.api import Client, array, refusal, wait_for
from tests.support.contract.served_models import Library, config, listing, write_config

START_SECONDS = 120


@pytest.fixture(scope="module")
def server(startable: targets.Target, library: Library) -> Iterator[targets.RunningServer]:
    """A server that reads its configuration again and again, with a flag that none knows."""
    base = library.folder / "polling"
    for name in ("half_plus_two", "half_plus_three"):
        library.publish(name, base / name, 123)
    flags = {
        "model_config_file": write_config(
            library.folder / "polling.config", listing(config(base, "half_plus_two"))
        ),
        "model_config_file_poll_wait_seconds": 1,
        "no_such_flag": 1,
    }
    with targets.run_server(startable, library.folder, ["half_plus_two"], flags) as server:
        yield server


@pytest.fixture(scope="module")
def polling(server: targets.RunningServer) -> Iterator[Client]:
    client = Client(server.address)
    yield client
    client.close()


@pytest.fixture(scope="module")
def refused(startable: targets.Target, library: Library) -> dict[str, tuple[int, str]]:
    """How servers end that can't start, and what they print, by what is wrong; all run at once."""
    folder = library.folder / "refused"
    library.publish("half_plus_two", folder / "half", 1)
    (folder / "half" / "2").mkdir()

    def file(name: str, content: str) -> Path:
        (folder / name).write_text(content)
        return folder / name

    labelled = write_config(
        folder / "labelled", listing(config(folder, "half", versions=(1,), labels={"stable": 1}))
    )
    relative = write_config(folder / "relative", listing(config(Path("models"), "m")))
    half = folder / "half"
    batching = file("batching", "max_batch_size { value: 4 }")
    flags: dict[str, dict[str, object]] = {
        "words": {"model_config_file": file("words", "improperly formatted file")},
        "labels": {"model_config_file": labelled},
        "relative": {"model_config_file": relative},
        "relative flag": {"model_base_path": "models/m"},
        "broken": {"model_base_path": half, "model_name": "half"},
        "batching": {"model_base_path": half, "batching_parameters_file": batching},
    }
    processes = {}
    try:
        for name, given in flags.items():
            log = folder / f"{name}.log"
            process = targets.start(startable, library.folder, given, *free_ports(), log)
            processes[name] = process, log
        return {
            name: (process.wait(START_SECONDS), log.read_text())
            for name, (process, log) in processes.items()
        }
    finally:
        for process, _ in processes.values():
            process.kill()


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


def test_an_unknown_flag_is_told_and_passed_over(server):
    """main.cc prints the usage, too, and goes on."""
    assert "unknown argument: --no_such_flag=1" in server.log.read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        # tensorflow_model_server_test.py testBadModelConfig.
        ("words", "ModelServerConfig"),
        # server_core.cc UpdateModelVersionLabelMap: labels come before versions.
        (
            "labels",
            "Request to assign label to version 1 of model half, which is not currently available "
            "for inference",
        ),
        ("relative", "Expected model m to have an absolute path or URI; got base_path()=models/m"),
        ("relative flag", "to have an absolute path or URI; got base_path()=models/m"),
        # load_servables_fast.cc.
        (
            "broken",
            "UNKNOWN: 1 servable(s) did not become available: {{{name: half version: 2} due to "
            "error: NOT_FOUND: ",
        ),
        # server.cc: the file needs --enable_batching.
        ("batching", "batching_parameters_file"),
    ],
)
def test_what_a_server_does_not_start_on(refused, name, words):
    code, printed = refused[name]
    # main.cc returns -1.
    assert code == 255
    assert words in printed
