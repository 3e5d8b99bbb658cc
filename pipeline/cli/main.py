"""The command line. Heavy imports stay inside the commands, so that help answers at once."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli import deploy_cli, serving_cli
from pipeline.cli.errors import report_errors


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="arxiv-tagger")
def main() -> None:
    """Train, push and query a model that suggests subject areas for papers."""


@main.command()
@click.option(
    "--data",
    metavar="PATH_OR_URL",
    help="CSV file (.csv, .csv.gz) or its URL; {SPAN} in the path stands for the number of a span. "
    "[default: a sample]",
)
@click.option(
    "--profile",
    metavar="NAME_OR_YAML",
    help="Settings. [default: `default`; `sample` for the sample]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="out",
    show_default=True,
    help="Where everything goes.",
)
@click.option(
    "--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a setting (repeatable)."
)
@click.option(
    "--beam", metavar="KEY=VALUE,...", help="Settings of Beam, such as runner=direct,workers=2."
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
    """Run the whole pipeline: from a CSV to a pushed model.

    Exit codes: 0 pushed or nothing new, 2 usage, 3 bad input, 4 anomalies in the data, 5 refused
    by the gate, 1 anything else.
    """
    from pipeline.beam_settings import beam_overrides
    from pipeline.cli.commands import run_command

    if beam is not None:
        overrides = (*beam_overrides(beam), *overrides)
    run_command(data, profile, output, overrides, dry_run)


@main.command()
@click.option("--rows", type=click.IntRange(min=1), default=3_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@report_errors
def sample(rows: int, seed: int, output: Path) -> None:
    """Write a CSV file of invented papers, as noisy as a real one."""
    from pipeline.cli.commands import sample_command

    sample_command(rows, seed, output)


@main.command()
@click.option(
    "--data", metavar="PATH", required=True, help="CSV file (.csv, .csv.gz); {SPAN} as in `run`."
)
@click.option("--profile", metavar="NAME_OR_YAML", default="default", show_default=True)
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True)
@report_errors
def check(data: str, profile: str, overrides: tuple[str, ...]) -> None:
    """Validate a file in seconds: what a run would keep, drop and stumble over."""
    from pipeline.cli.commands import check_command

    check_command(data, profile, overrides)


@main.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="out",
    show_default=True,
    help="The output folder of a run.",
)
@click.option("--open", "in_browser", is_flag=True, help="Open the page in a browser.")
@report_errors
def report(output: Path, in_browser: bool) -> None:
    """Tell how good the last run's model is: headline figures, and where the page is."""
    from pipeline.cli.commands import report_command

    report_command(output, in_browser)


@main.command()
@click.option(
    "--model",
    metavar="DIR",
    required=True,
    help="A pushed version, a serving folder, or a run's output folder.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.argument("texts", metavar="TEXT...", nargs=-1)
@report_errors
def predict(model: str, as_json: bool, texts: tuple[str, ...]) -> None:
    """Suggest subject areas with a pushed model, without a server.

    Each TEXT is an abstract, or a title, a line break and an abstract. Without TEXT, every line
    of standard input is one.
    """
    from pipeline.cli.commands import predict_command

    predict_command(model, texts, as_json)


deploy_cli.add_commands(main)
serving_cli.add_commands(main)
