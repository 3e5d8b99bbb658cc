"""`arxiv-tagger run`: the whole pipeline on this machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import yaml

from components.example_gen.rows import read_rows
from pipeline.cli import options
from pipeline.cli.data_source import find_data
from pipeline.cli.errors import report_errors
from pipeline.cli.run_results import refuse_unblessed, show_results
from pipeline.config import Config, resolve
from pipeline.local.download import without_password
from pipeline.local.node_summary import PURPOSES
from pipeline.local.output_folder import OutputFolder
from pipeline.local.output_redirect import output_dropped
from pipeline.local.run import run_locally
from pipeline.own_parts import check_own_parts
from pipeline.sample.generator import DEFAULT_ROWS, DEFAULT_SEED, write_sample
from pipeline.settings_tree import Path as Keys
from pipeline.settings_tree import SettingsTree
from pipeline.terminal import Terminal
from schema.errors import UsageError
from schema.words import Words

# Where the comments of the dry run begin.
_WIDTH: Final = 36


@click.command()
@click.option(
    "--data",
    metavar="PATH_OR_URL",
    help="CSV, JSON lines or Parquet file, packed or not, or its URL; {SPAN} in a path stands for "
    "the number of a span. [default: an invented sample]",
)
@options.profile(
    "Settings: a name or a YAML file. [default: `sample` for the sample, else `default`]"
)
@options.folder("--output", "Folder for everything the run writes.")
@options.SET
@click.option(
    "--beam", metavar="KEY=VALUE,...", help="Beam settings, such as runner=direct,workers=2."
)
@click.option("--dry-run", is_flag=True, help="Show what would run, and stop.")
@report_errors
def run(
    data: str | None,
    profile: str | None,
    output: Path,
    overrides: tuple[str, ...],
    beam: str | None,
    dry_run: bool,
) -> None:
    """Run the whole pipeline, from a data file to a pushed model.

    Exit codes: 0 pushed or nothing new, 2 wrong usage, 3 bad input, 4 anomalies in the data,
    5 refused by InfraValidator or the gate, 1 any other error.
    """
    if beam is not None:
        overrides = (*(f"beam.{pair.strip()}" for pair in beam.split(",")), *overrides)
    profile = profile or ("sample" if data is None else "default")
    config, settings = resolve(profile, overrides)
    if config.beam.runner == "dataflow":
        raise UsageError(
            "beam.runner is dataflow, whose machines can't reach files on this one. Choose "
            "another runner, or run the pipeline in the cloud with `arxiv-tagger submit`."
        )
    with output_dropped():
        check_own_parts(config, settings)
    console = Terminal(Words.of_settings(config.model_dump()))
    if dry_run:
        _show_plan(console, config, settings, data, profile, output)
        return
    folder = OutputFolder(output).data
    if data is None:
        data = str(write_sample(DEFAULT_ROWS, DEFAULT_SEED, folder / "sample.csv"))
    path, files = find_data(data, folder, console, config.data)
    # Reports a wrong file or column now, not after TFX has loaded.
    for file in files:
        next(iter(read_rows(file, config.data)))
    result = run_locally(config, Path(path), output, console)
    show_results(console, result, output, config.data)
    refuse_unblessed(result, console.words)


def _show_plan(
    console: Terminal,
    config: Config,
    settings: SettingsTree,
    data: str | None,
    profile: str,
    output: Path,
) -> None:
    source = without_password(data) if data else "the embedded sample"
    console.say(("Would run", "bold"), f" profile {profile} on {source} into {output}/\n")
    for node, purpose in PURPOSES.items():
        if node == "Tuner" and not config.tuner.enabled:
            continue
        console.say(f"  {node:<17} {console.words.of(purpose)}")
    console.say(
        ("\nSettings", "bold"), ", and where they are set unless they are the program's own"
    )
    for line in _settings(config.model_dump(mode="json"), settings):
        console.say(line)


def _settings(values: dict[str, Any], settings: SettingsTree, path: Keys = ()) -> Iterator[str]:
    """Yields settings as YAML, each with the place where it is set as a comment."""
    for key, value in values.items():
        indent, here = "  " * len(path), (*path, key)
        if isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from _settings(value, settings, here)
            continue
        # A list in one line, also where it holds lists.
        listed = isinstance(value, list)
        text = yaml.safe_dump(
            value if listed else {key: value},
            default_flow_style=listed,
            allow_unicode=True,
            width=math.inf,
        )
        if listed:
            text = f"{key}: {text}"
        origin = settings.origins.get(here)
        yield (
            f"{indent + text.rstrip():<{_WIDTH}}  # {origin}" if origin else indent + text.rstrip()
        )
