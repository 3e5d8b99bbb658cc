"""What the flags say of gRPC: how connections are secured, and the arguments of its server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import grpc

from schema.errors import UsageError
from serving.protos import load_messages
from serving.server.config import read_text
from serving.server.options import ServerOptions

Arguments: TypeAlias = Sequence[tuple[str, str | int]]


def read_credentials(options: ServerOptions) -> grpc.ServerCredentials | None:
    """Returns what secures the connections; None where nothing does.

    Raises:
        UsageError: Two kinds at once, or a file that can't be read or used.

    Source: BuildServerCredentials in TF Serving's model_servers/server.cc.
    """
    file = options.ssl_config_file
    if options.use_alts_credentials:
        if file:
            raise UsageError("Give either --use_alts_credentials or --ssl_config_file.")
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


def parse_channel_arguments(text: str) -> Arguments:
    """Returns the arguments in a `--grpc_channel_arguments`; integers are numbers.

    Raises:
        UsageError: One has no value.
    """
    arguments: list[tuple[str, str | int]] = []
    for each in filter(None, text.split(",")):
        name, equals, value = each.partition("=")
        if not equals:
            raise UsageError(f"--grpc_channel_arguments: {each} has no value. Write {each}=VALUE.")
        arguments.append((name, int(value) if value.removeprefix("-").isdecimal() else value))
    return arguments
