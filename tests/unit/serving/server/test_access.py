"""Who may ask: the token, and gRPC over TLS and at a socket."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import httpx
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from schema.errors import UsageError
from serving.server.access import brings_token, read_credentials, read_token_file
from serving.server.options import ServerOptions
from tests.support.certificate import key_and_certificate, ssl_config
from tests.support.contract.api import floats, predict_request
from tests.support.running_server import running
from tests.support.saved_models import half_plus_two


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("half")
    half_plus_two(folder / "1")
    return folder


def predict(channel: grpc.Channel) -> float:
    request = predict_request("default", {"x": floats(1)})
    with channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=60).outputs["y"].float_val[0]


def test_grpc_over_tls_at_a_socket_and_for_known_clients_only(base, tmp_path):
    key, certificate = key_and_certificate()
    rest = f"client_verify: true custom_ca: {json.dumps(certificate.decode())}"
    options = ServerOptions(
        model_base_path=base,
        grpc_socket_path=tmp_path / "grpc.sock",
        ssl_config_file=ssl_config(tmp_path / "ssl.config", key, certificate, rest),
    )
    known = grpc.ssl_channel_credentials(certificate, key, certificate)
    unknown = grpc.ssl_channel_credentials(certificate)
    name = [("grpc.ssl_target_name_override", "localhost")]
    with running(options) as server:
        # As in TF Serving: port 0 leaves the socket alone, and REST is not secured.
        assert server.server.grpc_port == 0
        address = f"unix:{options.grpc_socket_path}"
        assert predict(grpc.secure_channel(address, known, name)) == 2.5
        with pytest.raises(grpc.RpcError) as caught:
            predict(grpc.secure_channel(address, unknown, name))
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        answer = httpx.post(f"{server.rest_url}/v1/models/default:predict", json={"instances": [1]})
        assert answer.json() == {"predictions": [2.5]}


def test_the_fields_hold_pem_of_a_key_and_its_certificate(tmp_path):
    key, certificate = key_and_certificate()
    other, _ = key_and_certificate()
    for wrong in (
        (b"", b""),
        (b"/key.pem", b"/certificate.pem"),
        (certificate, key),
        (other, certificate),
        (key, certificate, 'custom_ca: "/ca.pem"'),
    ):
        file = ssl_config(tmp_path / "ssl.config", *wrong)
        with pytest.raises(UsageError, match=r"fields hold PEM as text .* not paths"):
            read_credentials(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("custom_ca: 1", "not a SSLConfig in text form"),
        ("client_verify: true", "client auth without providing root certificates"),
    ],
)
def test_wrong_credentials(tmp_path, text, message):
    file = ssl_config(tmp_path / "ssl.config", *key_and_certificate(), text)
    with pytest.raises(UsageError, match=message):
        read_credentials(file)


def test_the_token_of_a_file_is_one_word(tmp_path):
    file = tmp_path / "token"
    for content in (None, b" \n", b"two words", "größe".encode()):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UsageError, match=r"^The token file"):
            read_token_file(file)
    file.write_bytes(b" s3cret==\r\n")
    assert read_token_file(file) == b"s3cret=="


def test_a_header_brings_the_token_or_not():
    for header in (b"Bearer s3cret", b"bearer  s3cret "):
        assert brings_token(header, b"s3cret")
    for header in (b"", b"s3cret", b"Basic s3cret", b"Bearer", "Bearer größe".encode()):
        assert not brings_token(header, b"s3cret")
