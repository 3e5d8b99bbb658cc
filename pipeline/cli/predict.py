"""`arxiv-tagger predict`: suggestions of a pushed model, in this process."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.cli.suggestions import read_texts, write_suggestions
from pipeline.local.output_folder import plain_path
from pipeline.local.output_redirect import output_dropped
from serving.predict import find_model, load_model


@click.command()
@click.option(
    "--model",
    metavar="DIR",
    default="out",
    show_default=True,
    help="A pushed version, a serving folder, or the output folder of a run.",
)
@options.JSON
@options.EXPLAIN
@click.argument("texts", metavar="[TEXT]...", nargs=-1)
@report_errors
def predict(model: str, as_json: bool, explain: bool, texts: tuple[str, ...]) -> None:
    """Suggest subject areas with a pushed model, without a server.

    Each TEXT is an abstract, or a title, a line break and an abstract. Without TEXT, every line
    of standard input is one.
    """
    given = read_texts(texts)
    find_model(model)
    with output_dropped():
        suggestions = load_model(str(plain_path(Path(model)))).suggest(given, explain=explain)
    write_suggestions(given, suggestions, as_json, explain=explain)
