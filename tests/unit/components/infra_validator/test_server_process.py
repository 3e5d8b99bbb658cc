"""The server's process: which program, when it is ready, whose fault its end is, and its end."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.infra_validator.server_process import (
    LOCAL_SERVER,
    TF_SERVING,
    ServerProcess,
    UnservableModelError,
)
from schema import names
from schema.errors import TaggerError
from tests.support.contract.api import wait_for
from tests.support.fake_servers import put_server

ROOT = Path(__file__).resolve().parents[4]
SYSTEM_PATH = "/usr/bin:/bin"
UP = 'serve(state("AVAILABLE"))'


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Puts a scene on the PATH; returns the server that will play it."""

    def prepare(scene: str) -> ServerProcess:
        prepare.told = put_server(tmp_path / "bin", scene)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{SYSTEM_PATH}")
        base = tmp_path / "models" / "tagger"
        base.mkdir(parents=True)
        return ServerProcess(base, tmp_path / "server.log")

    return prepare


def test_the_binary_on_the_path_gets_the_flags_of_tf_serving(play, tmp_path):
    server = play(UP)
    assert server.kind == TF_SERVING
    with server:
        server.wait_until_available(20)
        told = json.loads(play.told.read_text())
        assert told["pid"] == server.pid
    assert told["flags"] == {
        "model_name": names.MODEL_NAME,
        "model_base_path": str(tmp_path / "models" / "tagger"),
        "port": server.grpc_address.removeprefix("127.0.0.1:"),
        "rest_api_port": server.rest_url.removeprefix("http://127.0.0.1:"),
        "max_num_load_retries": "0",
        "load_retry_interval_micros": "0",
        "enable_signature_method_name_check": "true",
    }
    assert told["flags"]["port"] != told["flags"]["rest_api_port"]
    assert told["gpus"] == "-1"


def test_it_waits_until_a_starting_server_is_ready(play, monkeypatch):
    # A company's proxy can't reach this machine.
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    scene = (
        'serve((404, {"error": "no such model"}), (503, {}), (200, {"model_version_status": []}), '
        'state("START"), state("LOADING"), state("AVAILABLE"))'
    )
    with play(scene) as server:
        server.wait_until_available(20)


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (
            'serve(state("LOADING"), state("END", "DATA_LOSS", "truncated block"))',
            "truncated block",
        ),
        (
            'print("Error: 1 servable(s) did not become available: a long list")\n'
            'print("operation\\n" * 5000)\nsys.exit(255)',
            "can't load the model",
        ),
        ('print("Check failed: rank", flush=True)\nos.abort()', "SIGABRT)\n    Check failed: rank"),
        ('serve(state("START")) if os.fork() else os.kill(os.getppid(), 11)', "SIGSEGV"),
    ],
    ids=["state END", "gave up at length", "abort", "segmentation fault"],
)
def test_a_server_that_cannot_serve_the_model_is_the_models_fault(play, scene, message):
    with play(scene) as server, pytest.raises(UnservableModelError) as caught:
        server.wait_until_available(20)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ('serve(state("END", "RESOURCE_EXHAUSTED", "out of memory"))', "out of memory"),
        (
            'print("Error: 1 servable(s) did not become available: {{{name: tagger version: 1} "\n'
            '      "due to error: RESOURCE_EXHAUSTED: OOM}}")\n'
            "sys.exit(255)",
            "OOM",
        ),
        ('print("bind: Address already in use")\nsys.exit(1)', "    bind: Address already in use"),
        ('print("what(): std::bad_alloc", flush=True)\nos.abort()', "bad_alloc"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "code -9"),
        ("sys.exit(0)", "code 0"),
    ],
    ids=["no memory", "gave up for none", "port taken", "abort for none", "killed", "just ended"],
)
def test_a_machine_without_room_is_not_the_models_fault(play, scene, message):
    with play(scene) as server, pytest.raises(TaggerError) as caught:
        server.wait_until_available(20)
    assert message in str(caught.value)
    assert "again" in str(caught.value)


@pytest.mark.parametrize("scene", ['serve(state("LOADING"))', "time.sleep(60)"])
def test_a_server_that_is_not_up_in_time_is_not_the_models_fault(play, scene):
    with play('print("starting", flush=True)\n' + scene) as server:
        wait_for(lambda: "starting" in server.log_tail())
        with pytest.raises(TaggerError, match=r"infra\.start_timeout_seconds") as caught:
            server.wait_until_available(0.5)
    assert "    starting" in str(caught.value)
    assert not is_alive(server.pid)


def test_only_the_end_of_the_log_is_quoted(play):
    scene = 'print("x" * 9000)\nfor i in range(40): print("line", i)\nsys.exit(3)'
    with play(scene) as server, pytest.raises(TaggerError) as caught:
        server.wait_until_available(20)
    lines = str(caught.value).splitlines()[1:]
    assert lines == [f"    line {i}" for i in range(28, 40)]


def test_its_process_ends_with_the_context_and_no_other_does(play):
    server = play(UP)
    bystander = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    try:
        with contextlib.suppress(KeyboardInterrupt), server:
            server.wait_until_available(20)
            assert is_alive(server.pid)
            raise KeyboardInterrupt
        assert not is_alive(server.pid)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="util-linux is not there")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_the_process_that_started_it(play, tmp_path, how):
    play(UP)
    script = (
        "import pathlib, time\n"
        "from components.infra_validator.server_process import ServerProcess\n"
        f"base = pathlib.Path({str(tmp_path / 'models' / 'tagger')!r})\n"
        "with ServerProcess(base, base.parent / 'log') as server:\n"
        "    server.wait_until_available(20)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    wait_for(play.told.exists)
    pid = json.loads(play.told.read_text())["pid"]
    assert is_alive(pid)
    parent.send_signal(how)
    parent.wait()
    wait_for(lambda: not is_alive(pid))


def test_without_the_binary_it_is_the_local_server(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ServerProcess(tmp_path, tmp_path / "log").kind == LOCAL_SERVER


def test_a_binary_that_cannot_be_run_is_not_the_models_fault(play, tmp_path, monkeypatch):
    server = play(UP)
    (tmp_path / "bin" / "tensorflow_model_server").write_text("#!/no/such/interpreter\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(TaggerError, match="tensorflow_model_server can't be started"):
        server.__enter__()
