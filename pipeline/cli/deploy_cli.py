"""The commands that compile the pipeline for a cloud, and run it there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.errors import report_errors

if TYPE_CHECKING:
    from pipeline.deploy_settings import Target

EXAMPLE_PROFILE = "cloud_example"


def add_commands(group: click.Group) -> None:
    """Adds `compile` and `submit` to the command line."""
    for command in (compile_, submit):
        group.add_command(command)


def _where_and_how(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--set",
            "overrides",
            metavar="KEY=VALUE",
            multiple=True,
            help="Change a setting, such as deploy.image=... (repeatable).",
        ),
        click.option(
            "--profile",
            metavar="NAME_OR_YAML",
            default=EXAMPLE_PROFILE,
            show_default=True,
            help="Settings, with a `deploy` section.",
        ),
        click.option(
            "--target",
            type=click.Choice(["vertex", "kubeflow"]),
            required=True,
            help="Vertex AI Pipelines, or Kubeflow Pipelines.",
        ),
    ):
        command = option(command)
    return command


@click.command("compile")
@_where_and_how
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where it goes: .json or .yaml. [default: pipeline.json; pipeline.yaml for kubeflow]",
)
@report_errors
def compile_(target: Target, profile: str, overrides: tuple[str, ...], output: Path | None) -> None:
    """Compile the pipeline for a cloud, without network and credentials.

    For vertex a PipelineJob, for kubeflow a PipelineSpec of Kubeflow Pipelines 2.
    """
    from pipeline.cli.deploy_commands import compile_command

    if output is None:
        output = Path("pipeline.yaml" if target == "kubeflow" else "pipeline.json")
    compile_command(target, profile, overrides, output)


@click.command()
@_where_and_how
@click.option("--data", metavar="PATH", help="Folder of the CSV files, or one of them.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Epochs at the most.")
@click.option(
    "--floor",
    "floors",
    metavar="METRIC=VALUE",
    multiple=True,
    help="Lowest value of a metric that is pushed, such as micro_f1=0.6 (repeatable).",
)
@click.option("--no-cache", is_flag=True, help="Run every step again.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and stop.")
@report_errors
def submit(
    target: Target,
    profile: str,
    overrides: tuple[str, ...],
    data: str | None,
    epochs: int | None,
    floors: tuple[str, ...],
    no_cache: bool,
    dry_run: bool,
) -> None:
    """Compile the pipeline, and run it in a cloud.

    What changes from run to run (--data, --epochs, --floor, any --set of trainer.* and gate.*) goes
    along as parameters of the run; the compiled pipeline stays the same.
    """
    from pipeline.cli.deploy_commands import run_overrides, submit_command

    wanted = [*overrides, *run_overrides(data, epochs, floors)]
    submit_command(target, profile, wanted, caching=not no_cache, dry_run=dry_run)
