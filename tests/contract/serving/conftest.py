"""What the tests of TF Serving's API run on.

By default on the local model server, and on TF Serving itself where there is one: the binary
`tensorflow_model_server` on the PATH, or a Docker image. With an address they run on that server
only, as far as they fit a model of this project:

    pytest tests/contract/serving --serving-grpc HOST:PORT --serving-rest HOST:PORT
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from schema import names
from tests.support.contract import targets
from tests.support.contract.api import Client
from tests.support.contract.served_models import Library, config, listing, write_config
from tests.support.contract.targets import Target

# The models that the shared server has.
_SHARED = (
    "half_plus_two",
    "half_plus_three",
    names.MODEL_NAME,
    "echo",
    "slow",
    "twice_thrice",
    "one_or_two",
    "keras",
    "mirrored_keras",
)
# As TF Serving's test data has it, with the zeros.
_VERSION_FOLDER = "00000123"


class Tagger(NamedTuple):
    """A model with the signatures of this project."""

    client: Client
    name: str


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames:
        present = [target for target in targets.targets_of(metafunc.config) if not target.missing]
        metafunc.parametrize(
            "target", present, indirect=True, scope="session", ids=[each.name for each in present]
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a server that runs already, only what fits its model is run."""
    if any(target.address for target in targets.targets_of(config)):
        unfit = {item for item in items if "startable" in getattr(item, "fixturenames", ())}
        config.hook.pytest_deselected(items=list(unfit))
        items[:] = [item for item in items if item not in unfit]


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The server to test."""
    return request.param


@pytest.fixture(scope="session")
def library(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A folder of the target's own, since each has its models published anew."""
    return Library(tmp_path_factory.mktemp(f"serving-{target.name}"))


@pytest.fixture(scope="session")
def startable(target: Target) -> Target:
    """The target, for tests that start servers of it."""
    return target


@pytest.fixture(scope="session")
def client(startable: Target, library: Library) -> Iterator[Client]:
    """Calls the server that most tests share: they must leave it as they found it."""
    base = library.folder / "shared"
    for name in _SHARED:
        library.publish(name, base / name, _VERSION_FOLDER)
    for version, kind in ((1, "half_plus_two"), (2, "half_plus_three")):
        library.publish(kind, base / "versions", version)
    configs = [config(base, name) for name in _SHARED]
    versions = config(base, "versions", versions=(1, 2))
    models = write_config(library.folder / "shared.config", listing(*configs, versions))
    monitoring = library.folder / "monitoring.config"
    monitoring.write_text(
        'prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }'
    )
    flags = {
        "model_config_file": models,
        "monitoring_config_file": monitoring,
        "enable_grpc_healthcheck_service": True,
        "rest_api_enable_cors_support": True,
    }
    with targets.run_server(startable, library.folder, [*_SHARED, "versions"], flags) as server:
        made = Client(server.address)
        yield made
        made.close()


@pytest.fixture(scope="session")
def labelled(client: Client, library: Library) -> str:
    """A model of the shared server with `stable` on its version 1 and `canary` on 2.

    Labels are given when the versions serve (serving_config.md, "Assigning String Labels").
    """
    base = library.folder / "shared"
    labels = {"stable": 1, "canary": 2}
    made = config(base, "versions", versions=(1, 2), labels=labels)
    client.reload(listing(*(config(base, name) for name in _SHARED), made))
    return "versions"


@pytest.fixture(scope="session")
def tagger(target: Target, request: pytest.FixtureRequest) -> Iterator[Tagger]:
    """A model of this project: on the server that an address was given of, or a small one."""
    if target.address is None:
        yield Tagger(request.getfixturevalue("client"), names.MODEL_NAME)
        return
    name = request.config.getoption("serving_model")
    client = Client(target.address)
    yield Tagger(client, name)
    client.close()
