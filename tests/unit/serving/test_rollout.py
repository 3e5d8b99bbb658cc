"""Releases on a running server, by the recipe of serving/deploy/README.md."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import httpx
import pytest

from serving.models_config import config_path_of
from serving.server.options import ServerOptions
from tests.support.command_line import flat, invoke
from tests.support.little_server import closed_port
from tests.support.running_server import RunningServer, running
from tests.support.saved_models import small_tagger

DEPLOY = Path(__file__).parents[3] / "serving" / "deploy"
OLD, BROKEN, NEW = 1795336709, 1795340000, 1795345431


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "1"
    small_tagger(path)
    return path


@pytest.fixture
def base(tmp_path, model) -> Path:
    folder = tmp_path / "serving" / "arxiv_tagger"
    for version in (OLD, NEW):
        shutil.copytree(model, folder / str(version))
    (folder / str(BROKEN)).mkdir()
    (folder / str(BROKEN) / "saved_model.pb").write_text("no model")
    return folder


@pytest.fixture
def server(base):
    """A server of the newest version; it knows no labels and polls no configuration."""
    options = ServerOptions(model_name="arxiv_tagger", model_base_path=base, max_num_load_retries=0)
    with running(options) as server:
        yield server


def release(server: RunningServer, base: Path, *arguments: object):
    address = ("--address", server.grpc_address)
    return invoke("release", *arguments, "--serving", base.parents[1], *address)


def served(server: RunningServer) -> dict[str, int | None]:
    """The version that answers requests for each label, and those without one."""
    found = {}
    for name, path in {"stable": "/labels/stable", "canary": "/labels/canary", "": ""}.items():
        answer = httpx.get(f"{server.rest_url}/v1/models/arxiv_tagger{path}/metadata").json()
        found[name] = int(answer["model_spec"]["version"]) if "model_spec" in answer else None
    return found


def test_the_recipe_promotes_and_rolls_back(server, base):
    (recipe,) = re.findall(
        r"## Try a version, promote it, roll back\n.*?```sh\n(.*?)```",
        (DEPLOY / "README.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    states = []
    for line in recipe.replace("127.0.0.1:8500", server.grpc_address).splitlines():
        _, command, *arguments = shlex.split(line, comments=True)
        if command == "query":
            arguments += ["--address", server.rest_url.removeprefix("http://")]
        else:
            arguments += ["--serving", str(base.parents[1])]
        done = invoke(command, *arguments)
        assert done.exit_code == 0, done.output
        if command == "release":
            states.append(served(server))
    assert states == [
        # The first release takes effect at once, on a server that knew of no labels.
        {"stable": OLD, "canary": None, "": OLD},
        {"stable": OLD, "canary": NEW, "": NEW},
        {"stable": NEW, "canary": None, "": NEW},
        {"stable": OLD, "canary": None, "": OLD},
    ]


def test_a_release_that_fails_changes_nothing(server, base):
    assert release(server, base, "--stable", OLD).exit_code == 0
    path = config_path_of(base)
    path.write_text(f"# By hand.\n{path.read_text()}")
    written, labels = path.read_bytes(), served(server)
    for arguments, code, said in (
        (("--stable", BROKEN), 5, f"can't load version {BROKEN}: "),
        # Over two servers, one of which is not there.
        (("--stable", NEW, "--address", f"127.0.0.1:{closed_port()}"), 1, "Check --address; gRPC"),
        (
            ("--stable", NEW, "--base-path", "/nowhere", "--timeout", 0.1),
            1,
            "has not loaded",
        ),
        (("--stable", NEW, "--base-path", "s3://nowhere"), 5, "refuses the configuration"),
    ):
        done = release(server, base, *arguments)
        assert done.exit_code == code, done.output
        assert said in flat(done.output)
        assert path.read_bytes() == written
        assert served(server) == labels
    # Once it is mended it is tried again.
    shutil.rmtree(base / str(BROKEN))
    shutil.copytree(base / str(NEW), base / str(BROKEN))
    done = release(server, base, "--stable", OLD, "--canary", BROKEN)
    assert done.exit_code == 0, done.output
    assert served(server) == {"stable": OLD, "canary": BROKEN, "": BROKEN}


def test_a_server_that_holds_none_of_the_labelled_versions_follows(server, base):
    """As after a restart, or once someone released without its address."""
    assert invoke("release", "--stable", OLD, "--serving", base.parents[1]).exit_code == 0
    broken = release(server, base, "--stable", BROKEN)
    assert (broken.exit_code, "refuses" in broken.output) == (5, False), broken.output
    done = release(server, base, "--stable", NEW)
    assert done.exit_code == 0, done.output
    assert served(server) == {"stable": NEW, "canary": None, "": NEW}


def test_a_first_release_that_fails_leaves_no_file_and_the_newest_version(server, base):
    done = release(server, base, "--stable", OLD, "--canary", BROKEN)
    assert done.exit_code == 5, done.output
    assert not config_path_of(base).exists()
    assert served(server) == {"stable": None, "canary": None, "": NEW}


def test_the_rest_port_is_told_from_that_of_grpc(server, base):
    rest = server.rest_url.removeprefix("http://")
    done = invoke(*("release", "--stable", OLD, "--serving", base.parents[1], "--address", rest))
    assert done.exit_code == 1
    assert "gRPC is usually at port 8500" in flat(done.output)
