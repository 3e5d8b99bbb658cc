"""Clients of a server with a token and TLS: REST's is that of a proxy in front."""

from __future__ import annotations

import asyncio
import re
import ssl

import pytest

from serving.server.options import ServerOptions
from tests.support.certificate import key_and_certificate, ssl_config
from tests.support.command_line import flat, invoke
from tests.support.running_server import running
from tests.support.saved_models import small_tagger


async def copy(source, target):
    while some := await source.read(2**16):
        target.write(some)
    target.close()


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A folder with all files, and the ports by API; `plain` is REST without TLS."""
    folder = tmp_path_factory.mktemp("secured")
    small_tagger(folder / "serving" / "arxiv_tagger" / "1")
    key, certificate = key_and_certificate()
    contents = [key, certificate, b"c0ffee==\n", b"wr0ng", b"wr0ng words"]
    for name, content in zip(("key.pem", "ca.pem", "token", "wrong", "two"), contents, strict=True):
        (folder / name).write_bytes(content)
    options = ServerOptions(
        model_name="arxiv_tagger",
        model_base_path=folder / "serving" / "arxiv_tagger",
        auth_token_file=folder / "token",
        ssl_config_file=ssl_config(folder / "ssl.config", key, certificate),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    with running(options) as server:
        plain = server.server.rest_port

        async def pass_on(reader, writer):
            inner, outer = await asyncio.open_connection("127.0.0.1", plain)
            await asyncio.gather(copy(reader, outer), copy(inner, writer))

        proxy = server.do(asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context))
        rest = proxy.sockets[0].getsockname()[1]
        yield folder, {"rest": rest, "grpc": server.server.grpc_port, "plain": plain}


@pytest.mark.parametrize(
    "how", ["query a --rest", "query a --grpc", "release --stable 1 --serving ."]
)
@pytest.mark.parametrize(
    ("at", "options", "code", "said"),
    [
        ("localhost:{port}", "--token-file token --tls-ca ca.pem", 0, ""),
        ("localhost:{port}", "--tls-ca ca.pem", 2, "Send the token.*--token-file"),
        ("localhost:{port}", "--tls-ca ca.pem --token-file wrong", 2, "it is not the one in --tok"),
        ("localhost:{port}", "--tls-ca ca.pem --token-file two", 2, "not one word.*--token-file"),
        ("localhost:{port}", "--tls-ca none", 2, "none is no PEM file: No such file or directory"),
        ("localhost:{port}", "--tls-ca public", 1, "(?i)certificate.verify.failed.*--tls-ca"),
        ("127.0.0.1:{port}", "--tls-ca ca.pem", 1, "(certificate|Hostname).*[.] Check "),
        ("localhost:{port}", "--token-file token", 1, "--tls-ca"),
        ("localhost:{plain}", "--tls-ca ca.pem", 1, "(?i)wrong.version.number.*--tls-ca"),
    ],
)
def test_it_gets_in_or_says_what_it_lacks(secured, monkeypatch, how, at, options, code, said):
    folder, ports = secured
    monkeypatch.chdir(folder)
    address = at.format(port=ports["rest" if "--rest" in how else "grpc"], **ports)
    done = invoke(*how.split(), "--address", address, *options.split())
    assert done.exit_code == code, done.output
    assert re.search(said, flat(done.output))
    assert not re.search("c0ffee|wr0ng|keep what it had", flat(done.output))
