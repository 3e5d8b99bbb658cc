"""The commands that serve what is pushed, ask a server, list the versions, and release one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.errors import report_errors
from serving.server.__main__ import add_flags


def add_commands(group: click.Group) -> None:
    """Adds `serve`, `query`, `models` and `release` to the command line."""
    for command in (serve, query, models, release):
        group.add_command(command)


@click.command()
@click.option(
    "--model",
    type=click.Path(file_okay=False, path_type=Path),
    default="out",
    show_default=True,
    help="A serving folder, or a run's output folder. Its models.config counts, where there is "
    "one. Not read when --model_base_path or --model_config_file is given.",
)
@add_flags
@report_errors
def serve(model: Path, **flags: Any) -> None:
    """Serve pushed models over gRPC and REST, with a page to try them at the REST port.

    The flags are those of tensorflow_model_server, and so is the API.
    """
    from pipeline.cli.serving_commands import serve_command

    serve_command(model, flags)


@click.command()
@click.option(
    "--rest",
    "protocol",
    flag_value="rest",
    default=None,
    help="Ask over REST, by default at 127.0.0.1:8501. [default]",
)
@click.option(
    "--grpc",
    "protocol",
    flag_value="grpc",
    default=None,
    help="Ask over gRPC, by default at 127.0.0.1:8500.",
)
@click.option("--address", metavar="HOST:PORT", help="Where the server listens.")
@click.option("--model", metavar="NAME", help="Its name on the server. [default: arxiv_tagger]")
@click.option("--label", metavar="NAME", help="Ask the version with this label, as `stable`.")
@click.option("--version", type=click.IntRange(min=0), metavar="N", help="Ask this version.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Show the best K labels only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds that one request may take.",
)
@click.option(
    "--file",
    "source",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Ask about all papers of a .csv or .jsonl file.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --file: where the suggestions go, as JSON lines; gone on with if begun.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    help="With --file: texts in one request.",
)
@click.argument("texts", metavar="TEXT...", nargs=-1)
@report_errors
def query(
    texts: tuple[str, ...],
    source: Path | None,
    output: Path | None,
    batch_size: int,
    top: int | None,
    as_json: bool,
    **connection: Any,
) -> None:
    """Suggest subject areas by asking a running server.

    Each TEXT is an abstract, or a title, a line break and an abstract. Without TEXT, every line
    of standard input is one. A file has the columns `summaries` and, if it likes, `titles`; or
    JSON objects with `text`, or `title` and `abstract`.
    """
    from pipeline.cli.serving_commands import query_command, query_file_command

    if source is None:
        if output is not None:
            raise click.UsageError("--output goes with --file.")
        query_command(texts, connection, top, as_json)
        return
    if output is None:
        raise click.UsageError("--file needs an --output for the suggestions.")
    if texts or as_json:
        raise click.UsageError("--file goes neither with TEXT nor with --json.")
    query_file_command(source, output, connection, top, batch_size)


_SERVING = click.option(
    "--serving",
    type=click.Path(file_okay=False, path_type=Path),
    default="out",
    show_default=True,
    help="A serving folder, or a run's output folder.",
)


@click.command()
@_SERVING
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@report_errors
def models(serving: Path, as_json: bool) -> None:
    """List the pushed versions with their metrics and labels, newest first."""
    from pipeline.cli.serving_commands import models_command

    models_command(serving, as_json)


@click.command()
@click.option("--stable", type=int, required=True, metavar="V", help="Version to label `stable`.")
@click.option("--canary", type=int, metavar="V", help="Version to label `canary`.")
@_SERVING
@click.option(
    "--base-path",
    metavar="PATH",
    help="Where the server finds the versions, as /models/arxiv_tagger in a container. "
    "[default: as before, or the serving folder]",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="REST address of a running server that polls the file: the labels move when it has "
    "loaded the versions, and no query fails.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="With --address: seconds that loading may take.",
)
@report_errors
def release(**options: Any) -> None:
    """Choose the versions that a server serves; also the way back to an older one.

    Writes models.config beside the serving folder.
    """
    from pipeline.cli.serving_commands import release_command

    release_command(**options)
