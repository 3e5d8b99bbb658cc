"""A server with the flags that TF Serving's own tensorflow_model_server_test.py starts it with.

What else it checks is in the other files, whose tests name its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.contract import targets
from tests.support.contract.api import Client, floats
from tests.support.contract.served_models import Library, config, listing, write_config


@pytest.fixture(scope="module")
def server(startable: targets.Target, library: Library) -> Iterator[Client]:
    base = library.folder / "flags"
    library.publish("tf2", base / "tf2", 123)
    models = listing(config(base, "tf2"))
    flags = {
        "model_config_file": write_config(base / "models.config", models),
        "grpc_socket_path": library.folder / "grpc.sock",
        "grpc_channel_arguments": "grpc.max_connection_age_ms=2000,grpc.lb_policy_name=grpclb",
    }
    with targets.run_server(startable, library.folder, ["tf2"], flags) as running:
        client = Client(running.address)
        yield client
        client.close()


def spec_of(response):
    spec = response.model_spec
    return spec.name, spec.signature_name, spec.version.value


def test_a_model_computes_with_arguments_of_the_channel(server):
    """testGoodGrpcChannelArgs."""
    assert list(server.predict("tf2", {"x": floats(2)}).outputs["y"].float_val) == [3]


def test_a_model_computes_over_a_socket(server, library):
    """testPredictUDS."""
    address = targets.Address(f"unix:{library.folder / 'grpc.sock'}", server.address.rest)
    client = Client(address)
    response = client.predict("tf2", {"x": floats(2)})
    client.close()
    assert list(response.outputs["y"].float_val) == [3]
    assert spec_of(response) == ("tf2", "serving_default", 123)
