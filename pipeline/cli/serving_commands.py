"""What the commands around serving do; `serving_cli` only reads their options."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.cli.suggestion_io import read_texts, write_suggestions
from schema import names
from schema.errors import UsageError
from serving.client import Retry, TaggerClient
from serving.server.options import ServerOptions

if TYPE_CHECKING:
    from rich.console import Console

# A file takes long, and a server that restarts should not end it: about half a minute.
_PATIENT: Final = Retry(times=10)
# Which metrics of a version a table has room for.
_SHOWN: Final = ("micro_f1", "lrap")


def serve_command(model: Path, flags: Mapping[str, Any]) -> None:
    """Serves until the process is told to end.

    Args:
        model: Where to look for versions when the flags name neither a base path nor a config.
        flags: The flags of `tensorflow_model_server`.
    """
    import click

    from serving.server.__main__ import serve_models
    from serving.server.ports import address_of

    flags = dict(flags)
    if flags["model_base_path"] is None and flags["model_config_file"] is None:
        flags |= _what_to_serve(model, flags)
    if flags["rest_api_port"]:
        address = address_of(flags["host"], flags["rest_api_port"])
        click.echo(f"A page to try it, once the model is loaded: http://{address}/", err=True)
    serve_models(**flags)


def _what_to_serve(model: Path, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the flags for a serving folder: its released versions, or else the latest."""
    from serving.releases import config_path_of, released_from
    from serving.versions import find_base

    base = find_base(model)
    config = config_path_of(base)
    if config.is_file():
        served = released_from(config)
        if not Path(served).is_dir():
            raise UsageError(
                f"{config} is for a server that finds the versions in {served}, which is not "
                "here. Give --model_base_path to serve the latest version, or release again with "
                f"--base-path {base.absolute()}."
            )
        # The next `release` takes effect without a restart.
        wait = flags["model_config_file_poll_wait_seconds"] or 1
        return {"model_config_file": config, "model_config_file_poll_wait_seconds": wait}
    name = flags["model_name"]
    unnamed = name == ServerOptions().model_name
    return {"model_base_path": base, "model_name": names.MODEL_NAME if unnamed else name}


def query_command(
    texts: Sequence[str], connection: Mapping[str, Any], top: int | None, as_json: bool
) -> None:
    """Asks a server about texts, from the arguments or else from standard input.

    Args:
        texts: The texts.
        connection: Arguments of `TaggerClient`; those that are None are its defaults.
        top: Labels to show of each text; all where None.
        as_json: Whether to write JSON lines instead of tables.
    """
    given = read_texts(texts)
    with _connect(connection) as client:
        suggestions = [labels[:top] for labels in client.suggest(given)]
    if as_json:
        for text, labels in zip(given, suggestions, strict=True):
            write_suggestions(text, labels)
        return
    from pipeline.cli.results_view import show_suggestions

    console = _console()
    for text, labels in zip(given, suggestions, strict=True):
        show_suggestions(console, text, labels)


def query_file_command(
    source: Path, output: Path, connection: Mapping[str, Any], top: int | None, batch_size: int
) -> None:
    """Asks a server about all papers of a file, and shows how far it is."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from serving.client.bulk import suggest_file

    console = _console()
    columns = (TextColumn("Papers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        _connect(connection, retry=_PATIENT) as client,
        Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress,
    ):
        task = progress.add_task("papers", total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        result = suggest_file(client, source, output, batch_size, top, update)
    kept = f", {result.kept:,} of them from before" if result.kept else ""
    console.print(f"[green]✓[/] {result.rows:,} papers are in {output}{kept}", soft_wrap=True)
    if result.bad:
        console.print(f"{result.bad:,} rows have no text; their lines have an error instead.")


def models_command(serving: Path, as_json: bool) -> None:
    """Lists the pushed versions, newest first."""
    from serving.releases import config_path_of, list_versions
    from serving.versions import find_base

    base = find_base(serving)
    versions = list_versions(base, config_path_of(base))
    if as_json:
        for each in versions:
            row = {
                "version": each.number,
                "pushed": each.pushed.isoformat(),
                "labels": list(each.labels),
                "size": each.size,
                "test": each.test,
                "validation": each.validation,
                "path": str(each.path),
            }
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Version", "Pushed", "Labels", "Split", *_SHOWN, "Size"):
        is_number = heading in (*_SHOWN, "Size")
        table.add_column(
            heading, justify="right" if is_number else "left", no_wrap=heading != "Labels"
        )
    for each in versions:
        split, metrics = ("test", each.test) if each.test else ("validation", each.validation)
        shown = [f"{metrics[name]:.4f}" if name in metrics else "" for name in _SHOWN]
        table.add_row(
            str(each.number),
            f"{each.pushed.astimezone():%Y-%m-%d %H:%M}",
            ", ".join(each.labels),
            split if metrics else "",
            *shown,
            f"{each.size / 1e6:,.1f} MB",
        )
    _console().print(table)


def release_command(
    stable: int,
    canary: int | None,
    serving: Path,
    base_path: str | None,
    address: str | None,
    timeout: float,
) -> None:
    """Writes which versions a server serves, and tells what that changed.

    Args:
        stable: The version for `stable`.
        canary: The version for `canary`.
        serving: The serving directory, or the output directory of a run.
        base_path: Where the server finds the versions.
        address: HOST:PORT of a running server that follows the file: it loads the versions
            before the labels move.
        timeout: Seconds that the server may take for it.
    """
    from serving.releases import config_path_of, write_release
    from serving.versions import find_base

    base = find_base(serving)
    config_path = config_path_of(base)
    console = _console()
    if address is not None:
        wanted = {stable} if canary is None else {stable, canary}
        write_release(base, stable, canary, config_path, base_path, load_only=True)
        console.print(f"Waiting for {address} to load {', '.join(map(str, sorted(wanted)))} …")
        from serving.client.status import wait_until_available

        wait_until_available(address, wanted, timeout)
    done = write_release(base, stable, canary, config_path, base_path)
    for label in sorted({*done.before, *done.after}):
        old, new = done.before.get(label), done.after.get(label)
        change = f"{new} (as before)" if old == new else f"{old or 'none'} -> {new or 'none'}"
        console.print(f"{label:<8} {change}", markup=False)
    console.print(f"loaded   {', '.join(map(str, done.loaded))} of {done.base_path}", markup=False)
    if address is None:
        console.print(
            f"\n{done.config_path} says so. To start a server with it:\n\n"
            f"  arxiv-tagger serve --model_config_file={done.config_path} "
            "--model_config_file_poll_wait_seconds=10\n\n"
            "A running one takes it only if it has loaded these versions; with --address they "
            "are loaded first.",
            markup=False,
            soft_wrap=True,
        )


def _connect(connection: Mapping[str, Any], **more: Any) -> TaggerClient:
    given = {name: value for name, value in connection.items() if value is not None}
    return TaggerClient(**{"model": names.MODEL_NAME, **given, **more})


def _console() -> Console:
    # A query of a program prints JSON and is to be quick.
    from rich.console import Console

    return Console(highlight=False)
