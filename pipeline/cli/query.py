"""`arxiv-tagger query`: suggestions of a running server."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from pipeline.cli import options
from pipeline.cli.data_source import locate, named_as_given
from pipeline.cli.errors import report_errors
from pipeline.cli.suggestions import read_texts, write_suggestions
from pipeline.terminal import Terminal
from schema import names
from schema.words import PAPERS, Words
from serving.client import Retry, TaggerClient
from serving.client.file_query import suggest_file
from serving.client.papers_file import Layout, PaperColumns

# A file takes long, and a server that restarts should not end it: about half a minute.
_PATIENT: Final = Retry(times=10)


@click.command()
@click.option(
    "--rest/--grpc",
    default=True,
    help="The API to use. [default: rest, at 127.0.0.1:8501; grpc is at 127.0.0.1:8500]",
)
@click.option("--address", metavar="HOST:PORT", help="Address of the server.")
@options.TOKEN_FILE
@options.TLS_CA
@click.option(
    "--model",
    metavar="NAME",
    default=names.MODEL_NAME,
    show_default=True,
    help="The model's name on the server.",
)
@click.option(
    "--label",
    metavar="NAME",
    help="Ask the version with this label; `none` asks the newest that is loaded, be it a canary. "
    "[default: stable, where the server has that label]",
)
@click.option("--version", type=click.IntRange(min=0), metavar="N", help="Ask this version.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Show only the best K labels.")
@options.JSON
@options.EXPLAIN
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds to wait for one request.",
)
@click.option(
    "--file",
    "source",
    metavar="PATH_OR_URL",
    help="Ask about every paper in a file, in any form that `run` reads.",
)
@options.profile(
    "Settings: names of labels and, with --file, what the title and the text are called."
)
@options.SET
@click.option(
    "--keep",
    metavar="COLUMN",
    multiple=True,
    help="With --file: copy this column to each line of the output (repeatable).",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --file: where to write the suggestions, as JSON lines. Resumes a file that was "
    "begun.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="With --file: texts in one request.",
)
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@report_errors
def query(
    texts: tuple[str, ...],
    source: str | None,
    output: Path | None,
    batch_size: int,
    profile: str | None,
    overrides: tuple[str, ...],
    keep: tuple[str, ...],
    top: int | None,
    as_json: bool,
    explain: bool,
    rest: bool,
    **connection: Any,
) -> None:
    """Suggest subject areas by asking a running server.

    Each TEXT is an abstract, or a title, a line break and an abstract. Without TEXT, every line
    of standard input is one. A file has the columns of the profile or, without --profile and
    --set, `summaries`, `text` or `abstract` and, optionally, `titles` or `title`.
    """
    connection["protocol"] = "rest" if rest else "grpc"
    layout, words, connection["label_names"] = _read_profile(profile, overrides, keep)
    if source is None:
        for option, value in {"--output": output, "--keep": keep}.items():
            if value:
                raise click.UsageError(f"{option} goes with --file.")
        given = read_texts(texts)
        with TaggerClient(**connection) as client:
            suggestions = [
                labels
                for start in range(0, len(given), names.MOST_EXPLAINED)
                for labels in client.suggest(
                    given[start : start + names.MOST_EXPLAINED], explain=explain
                )
            ]
        write_suggestions(given, suggestions, as_json, top, explain=explain)
        return
    if output is None:
        raise click.UsageError("--file needs an --output for the suggestions.")
    if texts or as_json or explain:
        raise click.UsageError("--file can't be combined with TEXT, --json or --explain.")
    console = Terminal(words)
    with tempfile.TemporaryDirectory() as folder:
        path = locate(source, Path(folder), console)
        bar = (TextColumn(words.items), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with (
            TaggerClient(**connection, retry=_PATIENT) as client,
            console.progress(*bar) as update,
            named_as_given(source, path),
        ):
            result = suggest_file(client, Path(path), output, batch_size, top, update, layout)
    kept = f", {result.kept:,} of them from before" if result.kept else ""
    console.say(("✓", "green"), f" {result.rows:,} {words.items} are in {output}{kept}")
    if result.bad:
        console.say(f"Rows without text: {result.bad:,}; their lines hold an error instead.")


def _read_profile(
    profile: str | None, overrides: tuple[str, ...], keep: tuple[str, ...]
) -> tuple[Layout, Words, Mapping[str, str]]:
    """Returns how a file holds its items, what they are called, and what labels are called."""
    if profile is None and not overrides:
        return Layout(keep=keep), PAPERS, {}
    # Here, since a query needs no settings.
    from pipeline.config import load_config

    config = load_config(profile or "default", overrides)
    columns = PaperColumns(config.data.columns.title, config.data.columns.text)
    words = Words.of_settings(config.model_dump())
    return Layout((columns,), config.data.form, keep), words, config.report.label_names
