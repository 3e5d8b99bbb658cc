"""`arxiv-tagger release`: which versions a server serves."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.terminal import Terminal
from serving.client.transport import Access
from serving.models_config import config_path_of
from serving.releases import write_release
from serving.rollout import roll_out
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
    "addresses",
    metavar="HOST:PORT",
    multiple=True,
    help="gRPC address of a running server, which gets models.config as its configuration: first "
    "it loads the versions, then the labels move (repeatable).",
)
@options.TOKEN_FILE
@options.TLS_CA
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="With --address: seconds to wait for a server to load them.",
)
@report_errors
def release(
    stable: int,
    canary: int | None,
    serving: Path,
    base_path: str | None,
    addresses: tuple[str, ...],
    timeout: float,
    **security: str | None,
) -> None:
    """Choose which versions a server serves; also rolls back to an older one.

    Writes models.config beside the serving folder.
    """
    base = find_base(serving)
    config_path = config_path_of(base)
    console = Terminal()
    if not addresses and any(each is not None for each in security.values()):
        raise click.UsageError("--token-file and --tls-ca go with --address.")
    if addresses:
        access = Access(**security)
        done = roll_out(base, stable, canary, base_path, addresses, access, timeout, console.say)
    else:
        done = write_release(base, stable, canary, base_path)
    for label in sorted({*done.before, *done.after}):
        old, new = done.before.get(label), done.after.get(label)
        change = f"{new} (unchanged)" if old == new else f"{old or 'none'} -> {new or 'none'}"
        console.say(f"{label:<8} {change}")
    console.say(f"loaded   {', '.join(map(str, done.loaded))} of {done.base_path}")
    if not addresses:
        console.say(
            f"\nWritten to {config_path}. To start a server with it:\n\n"
            f"  arxiv-tagger serve --model_config_file={config_path} "
            "--model_config_file_poll_wait_seconds=10 "
            "--allow_version_labels_for_unavailable_models\n\n"
            "A running server that polls no configuration can't notice, and one that does moves a "
            "label only to a version that it has loaded. Give its --address to have it follow."
        )
