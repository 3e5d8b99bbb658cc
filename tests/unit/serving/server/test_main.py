"""The flags, and the server as a program."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner

from serving.server.__main__ import main, serve
from serving.server.options import WITHOUT_EFFECT, ServerOptions
from serving.server.ports import free_ports
from tests.support.saved_models import half_plus_two

# Every flag of model_servers/main.cc in release 2.16, with a value of its type.
FLAGS = """
    port=1 grpc_socket_path=/s rest_api_port=2 rest_api_num_threads=3 rest_api_timeout_in_ms=4
    rest_api_enable_cors_support=true enable_batching=true
    allow_version_labels_for_unavailable_models=true batching_parameters_file=/b
    enable_per_model_batching_parameters=true model_config_file=/f
    model_config_file_poll_wait_seconds=5 model_name=m model_base_path=/models/m
    num_load_threads=6 num_unload_threads=7 max_num_load_retries=8 load_retry_interval_micros=-9
    file_system_poll_wait_seconds=10 flush_filesystem_caches=false
    tensorflow_session_parallelism=11 tensorflow_session_config_file=/t
    tensorflow_intra_op_parallelism=12 tensorflow_inter_op_parallelism=13
    use_alts_credentials=false ssl_config_file=/ssl platform_config_file=/p
    per_process_gpu_memory_fraction=0.5 saved_model_tags=serve,gpu
    grpc_channel_arguments=grpc.max_connection_age_ms=2000 grpc_max_threads=14
    enable_model_warmup=false num_request_iterations_for_warmup=15 version=false
    monitoring_config_file=/c remove_unused_fields_from_bundle_metagraph=false
    prefer_tflite_model=true num_tflite_pools=16 num_tflite_interpreters_per_pool=17
    enable_signature_method_name_check=true xla_cpu_compilation_enabled=true
    enable_profiler=false thread_pool_factory_config_file=/tp mixed_precision=bfloat16
    skip_initialize_tpu=true enable_grpc_healthcheck_service=true
"""


@pytest.fixture
def parse(monkeypatch):
    """Returns what the server would get, and what is printed."""
    seen = []
    monkeypatch.setattr("serving.server.server.run_server", seen.append)

    def parse(*flags: str) -> tuple[ServerOptions, str]:
        result = CliRunner().invoke(serve, flags, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return seen.pop(), result.output

    return parse


def test_the_flags_are_those_of_tensorflow_model_server(parse, caplog):
    flags = [f"--{flag}" for flag in FLAGS.split()]
    assert len(flags) == 46
    assert parse() == (ServerOptions(), "")
    assert "no effect" not in caplog.text
    given, printed = parse(*flags)
    assert printed == ""
    assert (given.grpc_max_threads, given.load_retry_interval_micros) == (14, -9)
    assert (given.model_base_path, given.enable_model_warmup) == (Path("/models/m"), False)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("These flags have no effect in this server: --enable_per_model_")
    assert line.count("--") == len(WITHOUT_EFFECT)
    assert parse("--enable_batching=false", "--rest_api_port=0")[0] == ServerOptions(
        rest_api_port=None
    )
    assert parse("--enable_batching", "--port=5")[0] == ServerOptions(enable_batching=True, port=5)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--port=abc"], "Invalid value for '--port': 'abc'"),
        (["--num_load_threads=x"], "Invalid value for '--num_load_threads': 'x'"),
        (["--max_string_bytes=-1"], "Invalid value for '--max_string_bytes': -1"),
        (["--max_computing_bytes=0"], "Invalid value for '--max_computing_bytes': 0"),
        ([], "Failed to start server. Error: There is nothing to serve: "),
    ],
)
def test_an_error_ends_it_with_the_code_of_tensorflow_model_server(
    monkeypatch, capsys, flags, message
):
    monkeypatch.setattr(sys, "argv", ["serving.server", *flags])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 255
    assert message in capsys.readouterr().err


def test_the_version_is_told(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["serving.server", "--version"])
    main()
    server, library = capsys.readouterr().out.splitlines()
    assert server == f"TensorFlow ModelServer: {version('arxiv-tagger')}"
    assert library == f"TensorFlow Library: {tf.__version__}"


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
