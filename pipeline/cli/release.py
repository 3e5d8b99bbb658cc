"""`arxiv-tagger release`: which versions a server serves."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.terminal import Terminal
from serving.client.version_wait import wait_until_available
from serving.models_config import config_path_of
from serving.releases import write_release
from serving.versions import find_base


@click.command()
@click.option("--stable", type=int, required=True, metavar="V", help="Version to label `stable`.")
@click.option("--canary", type=int, metavar="V", help="Version to label `canary`.")
@options.SERVING
@click.option(
    "--base-path",
    metavar="PATH",
    help="Where the server finds the versions, such as /models/arxiv_tagger in a container. "
    "[default: that of the last release, or the serving folder]",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="REST address of a running server that polls the file. Moves the labels only once it "
    "has loaded the versions, so that no query fails.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="With --address: seconds to wait for the server to load them.",
)
@report_errors
def release(
    stable: int,
    canary: int | None,
    serving: Path,
    base_path: str | None,
    address: str | None,
    timeout: float,
) -> None:
    """Choose which versions a server serves; also rolls back to an older one.

    Writes models.config beside the serving folder.
    """
    base = find_base(serving)
    config_path = config_path_of(base)
    console = Terminal()
    if address is not None:
        wanted = {stable} if canary is None else {stable, canary}
        write_release(base, stable, canary, base_path, load_only=True)
        console.say(f"Waiting for {address} to load {', '.join(map(str, sorted(wanted)))} …")
        wait_until_available(address, wanted, timeout)
    done = write_release(base, stable, canary, base_path)
    for label in sorted({*done.before, *done.after}):
        old, new = done.before.get(label), done.after.get(label)
        change = f"{new} (unchanged)" if old == new else f"{old or 'none'} -> {new or 'none'}"
        console.say(f"{label:<8} {change}")
    console.say(f"loaded   {', '.join(map(str, done.loaded))} of {done.base_path}")
    if address is None:
        console.say(
            f"\nWritten to {config_path}. To start a server with it:\n\n"
            f"  arxiv-tagger serve --model_config_file={config_path} "
            "--model_config_file_poll_wait_seconds=10\n\n"
            "A running server moves a label only to a version that it has loaded; give its "
            "--address to have it load them first."
        )
