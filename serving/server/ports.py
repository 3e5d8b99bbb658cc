"""The ports that the server listens on."""

from __future__ import annotations

import contextlib
import errno
import resource
import socket
from collections.abc import Iterator
from typing import Final

from schema.errors import UsageError

_ANY_PORT: Final = ("127.0.0.1", 0)


def free_ports() -> tuple[int, int]:
    """Returns two free loopback ports; both are held until both are known.

    Raises:
        OSError: There are none.
    """
    with socket.create_server(_ANY_PORT) as one, socket.create_server(_ANY_PORT) as other:
        return one.getsockname()[1], other.getsockname()[1]


def reserve(host: str, port: int, flag: str) -> socket.socket:
    """Returns a socket that holds a port without listening; 0 takes a free one.

    Raises:
        UsageError: The port can't be bound; it names the flag to correct.
    """
    with explain_bind_error(address_of(host, port), flag):
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        reserved = socket.socket(family, socket.SOCK_STREAM)
        try:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind(address)
        except OSError:
            reserved.close()
            raise
        return reserved


@contextlib.contextmanager
def explain_bind_error(address: str, flag: str) -> Iterator[None]:
    """Explains why an address can't be bound, which the flag sets.

    Raises:
        UsageError: In place of what the sockets and gRPC raise.
    """
    try:
        yield
    # gRPC raises RuntimeError, and what can't be a name UnicodeError.
    except (OSError, RuntimeError, UnicodeError) as error:
        advice = f"Another server may be running there: stop it, or choose another with {flag}."
        is_host = isinstance(error, socket.gaierror | UnicodeError)
        if is_host or error.args[0] == errno.EADDRNOTAVAIL:
            advice = "Correct --host: it takes an address of this machine, or a name of one."
        problem = str(error).rstrip(".")
        raise UsageError(f"The server can't listen on {address}: {problem}. {advice}") from error


def address_of(host: str, port: int) -> str:
    """Returns `host:port`, with brackets around the numbers of IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def most_connections(wanted: int) -> int:
    """Lets more files be open, and returns how many connections REST may have: half of them.

    Of the rest gRPC has half, and models the others.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # macOS has no limit, and refuses to set that.
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
