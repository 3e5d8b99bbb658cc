"""`arxiv-tagger check`: what a run would make of a data file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import click

from components.example_gen.check import check_files
from pipeline.cli import options
from pipeline.cli.curation_table import show_curation, show_warnings
from pipeline.cli.data_source import find_data, named_as_given
from pipeline.cli.errors import report_errors
from pipeline.config import load_config
from pipeline.local.download import without_password
from pipeline.terminal import Terminal
from schema.errors import BadInputError
from schema.words import Words

# The share of the text from which it is worth words that the profile can't cut it.
_WORTH_WORDS: Final = 0.01


@click.command()
@click.option(
    "--data", metavar="PATH_OR_URL", required=True, help="File of data or its URL, as in `run`."
)
@options.profile("Settings: a name or a YAML file.", "default")
@options.SET
@report_errors
def check(data: str, profile: str, overrides: tuple[str, ...]) -> None:
    """Check a data file in seconds: what a run would keep, drop or reject."""
    config = load_config(profile, overrides)
    console = Terminal(Words.of_settings(config.model_dump()))
    with tempfile.TemporaryDirectory() as folder:
        path, files = find_data(data, Path(folder), console, config.data)
        with named_as_given(data, path):
            report = check_files(files, config.data)
    data = without_password(data)
    show_curation(console, report.curation.__dict__)
    for letter in report.dead_letters:
        where = f"{letter.file}, " if len(files) > 1 else ""
        console.say(f"{where}line {letter.line}: {letter.reason}")
    found = list(report.warnings)
    if config.features.standardize == "ascii" and report.unspaced_share >= _WORTH_WORDS:
        found.append(
            f"{report.unspaced_share:.0%} of the text is in scripts without spaces, such as "
            "Chinese, Japanese and Thai. The profile takes a sentence there for one word. Set "
            "features.standardize to unicode"
        )
    show_warnings(console, found)
    if report.problem:
        problem = report.problem.replace(path, data)
        raise BadInputError(f"{problem if data in problem else f'{data}: {problem}'}.")
    console.say(("✓", "green"), f" {data} can be used.")
