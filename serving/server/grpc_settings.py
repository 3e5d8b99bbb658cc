"""What the flags say of gRPC: how connections are secured, and the arguments of its server."""

from __future__ import annotations

import grpc

from schema.errors import UsageError
from serving.protos import load_messages
from serving.server.config import read_text
from serving.server.options import ServerOptions


def read_credentials(options: ServerOptions) -> grpc.ServerCredentials | None:
    """Returns what secures the connections; None where nothing does.

    Raises:
        UsageError: A file that can't be read or used.

    Source: BuildServerCredentials in TF Serving's model_servers/server.cc.
    """
    file = options.ssl_config_file
    if options.use_alts_credentials:
        return grpc.alts_server_credentials()
    if file is None:
        return None
    config = read_text(file, load_messages("server_parameters")["SSLConfig"]())
    try:
        return grpc.ssl_server_credentials(
            [(config.server_key.encode(), config.server_cert.encode())],
            root_certificates=config.custom_ca.encode() or None,
            require_client_auth=config.client_verify,
        )
    except ValueError as error:
        raise UsageError(f"{file}: {error} Correct the file.") from error


def parse_channel_arguments(text: str) -> list[tuple[str, str | int]]:
    """Returns the arguments in a `--grpc_channel_arguments`; integers are numbers."""
    pairs = (each.partition("=") for each in text.split(",") if each)
    return [
        (name, int(value) if value.removeprefix("-").isdecimal() else value)
        for name, _, value in pairs
    ]
