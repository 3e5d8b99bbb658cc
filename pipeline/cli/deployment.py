"""What `compile` and `submit` share: options, and how they show a deployment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import click
from rich.console import Console

from pipeline.cli import options
from pipeline.cloud.placeholders import placeholders
from pipeline.config import Config
from pipeline.deploy_settings import MachineSettings, Target, TrainerMachineSettings

PLATFORMS: Final = {"vertex": "Vertex AI Pipelines", "kubeflow": "Kubeflow Pipelines"}


def deployment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--target`, `--profile` and `--set` to a command."""
    target = click.option(
        "--target",
        type=click.Choice(list(PLATFORMS)),
        required=True,
        help="Vertex AI Pipelines or Kubeflow Pipelines.",
    )
    profile = click.option(
        "--profile",
        metavar="NAME_OR_YAML",
        default="cloud_example",
        show_default=True,
        help="Settings, with a `deploy` section.",
    )
    return target(profile(options.SET(command)))


def unfilled(config: Config, target: Target) -> list[str]:
    """Returns the names of the settings that are placeholders, or needed and empty."""
    left = placeholders(config.deploy, target)
    if config.beam.runner == "dataflow":
        # Dataflow needs these wherever the pipeline runs.
        for name in placeholders(config.deploy, "vertex"):
            if name in {"deploy.project", "deploy.region"} and name not in left:
                left.append(name)
    return left


def show_deployment(console: Console, config: Config) -> None:
    """Shows what goes where, and on which machines."""
    deploy = config.deploy
    show_rows(
        console,
        {
            "data": f"{deploy.data}/{deploy.pattern}",
            "image": deploy.image,
            "artifacts": f"{deploy.bucket}/pipeline",
            "pushes to": f"the endpoint {deploy.endpoint.name}"
            if deploy.push_to == "endpoint"
            else f"{deploy.bucket}/serving",
            "Trainer": _trainer_machine(deploy.trainer),
            "other steps": _machine(deploy.machine),
            "Beam": config.beam.runner,
        },
    )


def show_limits(console: Console, target: Target) -> None:
    """Shows what the platform can't do."""
    if target == "kubeflow":
        console.print(
            "\nKubeflow Pipelines finds nothing of earlier runs: the gate checks its floors but "
            "compares with no earlier model, and the report compares with no earlier data.",
            soft_wrap=True,
        )


def show_rows(console: Console, rows: Mapping[str, str]) -> None:
    """Shows names and values; leaves out what is empty."""
    for name, value in rows.items():
        if value:
            console.print(f"  {name:<12} {value}", soft_wrap=True, markup=False)


def _trainer_machine(machine: TrainerMachineSettings) -> str:
    gpus = f"{machine.accelerators} {machine.accelerator}" if machine.accelerators else ""
    if machine.workers == 1:
        return ", ".join(filter(None, (_machine(machine), gpus)))
    each = f", each with {gpus}" if gpus else ""
    return f"{machine.workers} machines {machine.machine_type}{each}"


def _machine(machine: MachineSettings) -> str:
    parts = []
    if machine.cpus:
        parts.append(f"{machine.cpus:g} CPUs")
    if machine.memory_gib:
        parts.append(f"{machine.memory_gib:g} GiB")
    return ", ".join(parts) or "as the platform chooses"
