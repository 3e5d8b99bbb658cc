"""Releases versions on running servers: all of them follow, or nothing has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from schema.errors import TaggerError
from serving.client.server_control import ServerControl
from serving.models_config import config_path_of, read_config, tagger_config, write_text
from serving.releases import Release, write_release


def roll_out(
    base: Path,
    stable: int,
    canary: int | None,
    base_path: str | None,
    addresses: Sequence[str],
    timeout: float,
    say: Callable[[str], object],
) -> Release:
    """Has servers load versions, then moves the labels; see `write_release`.

    Each step is written to `models.config` before the servers hear of it: one that polls the file
    would soon go back to what stands there. Where a step fails, file and servers get back what they
    had.

    Args:
        base: The serving directory.
        stable: The version for `stable`.
        canary: The version for `canary`, if any.
        base_path: The serving directory as the servers see it.
        addresses: HOST:PORT of each server's gRPC API.
        timeout: Seconds for a server to load them.
        say: Tells a person how far it is.

    Raises:
        RefusedError: A server refuses the configuration or can't load a version.
        TaggerError: There is no server, it took too long, or `write_release` refuses.
    """
    path = config_path_of(base)
    before = path.read_text(encoding="utf-8") if path.exists() else None
    wanted = {stable} if canary is None else {stable, canary}
    with ExitStack() as stack:
        servers = [stack.enter_context(ServerControl(address)) for address in addresses]
        try:
            write_release(base, stable, canary, base_path, load_only=True)
            for server in servers:
                say(f"Waiting for {server.address} to load {', '.join(map(str, sorted(wanted)))} …")
                server.load(read_config(path), wanted, timeout)
            done = write_release(base, stable, canary, base_path)
            for server in servers:
                server.reload(read_config(path), timeout)
        except BaseException:
            config = _put_back(path, before)
            for server in servers:
                try:
                    if server.was_changed:
                        server.reload(config, timeout)
                except TaggerError as error:
                    say(f"{error} It may keep what it had so far of the release.")
            raise
    return done


def _put_back(path: Path, before: str | None) -> object:
    """Writes the old file, and returns the configuration of a server that had it.

    A server without one serves the newest version.
    """
    config = read_config(path)
    if before is not None:
        write_text(path, before)
        return read_config(path)
    path.unlink(missing_ok=True)
    model = tagger_config(config)
    model.ClearField("model_version_policy")
    model.ClearField("version_labels")
    return config
