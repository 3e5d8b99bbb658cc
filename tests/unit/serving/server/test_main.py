"""The flags, and the server as a program."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from schema.errors import UsageError
from serving.server.__main__ import main, serve
from serving.server.options import ServerOptions
from serving.server.ports import free_ports
from tests.support.saved_models import half_plus_two


def test_the_flags_are_those_of_tensorflow_model_server(monkeypatch):
    seen = []
    monkeypatch.setattr("serving.server.server.run_server", seen.append)

    def options(*flags: str) -> ServerOptions:
        result = CliRunner().invoke(serve, flags, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return seen.pop()

    assert options() == ServerOptions()
    given = {
        "model_name": "m",
        "model_base_path": Path("/models/m"),
        "port": 1,
        "rest_api_port": 2,
        "model_config_file": Path("/f"),
        "model_config_file_poll_wait_seconds": 3,
        "file_system_poll_wait_seconds": 4,
        "allow_version_labels_for_unavailable_models": True,
        "batching_parameters_file": Path("/b"),
        "monitoring_config_file": Path("/c"),
        "enable_grpc_healthcheck_service": True,
    }
    flags = (f"--{name}={str(value).replace('True', 'true')}" for name, value in given.items())
    assert options(*flags) == ServerOptions(**given)
    assert options("--enable_batching=false", "--rest_api_port=0") == ServerOptions(
        rest_api_port=None
    )
    assert options("--enable_batching", "--port=5") == ServerOptions(enable_batching=True, port=5)


def test_an_error_is_one_line_and_an_exit_code(monkeypatch, capsys):
    def fail(_: ServerOptions) -> None:
        raise UsageError("no such thing")

    monkeypatch.setattr("serving.server.server.run_server", fail)
    monkeypatch.setattr(sys, "argv", ["serving.server"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == "Error: no such thing\n"


def test_the_program(tmp_path):
    """As a process: it says where it listens and nothing else, and ends well when told to."""
    half_plus_two(tmp_path / "half" / "1")
    # TensorFlow would take the folder's own path for a pattern.
    (tmp_path / "half").rename(tmp_path / "half [1]*")
    (tmp_path / "link").symlink_to(tmp_path / "half [1]*")
    port, rest_port = free_ports()
    flags = [
        f"--model_base_path={tmp_path / 'link'}",
        f"--port={port}",
        f"--rest_api_port={rest_port}",
    ]
    command = [sys.executable, "-m", "serving.server", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Exporting HTTP/REST API" in line:
                process.terminate()
        assert process.wait(60) == 0
    assert all(" INFO serving.server." in line for line in lines), lines
