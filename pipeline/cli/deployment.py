"""What `compile` and `submit` share: options, and how they show a deployment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click
import yaml

from pipeline.cli import options
from pipeline.config import Config
from pipeline.deploy_settings import Target
from pipeline.terminal import Terminal

PLATFORMS: Final = {"vertex": "Vertex AI Pipelines", "kubeflow": "Kubeflow Pipelines"}


def deployment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--target`, `--profile` and `--set` to a command."""
    target = click.option(
        "--target",
        type=click.Choice(list(PLATFORMS)),
        required=True,
        help="Vertex AI Pipelines or Kubeflow Pipelines.",
    )
    profile = options.profile("Settings, with a `deploy` section.", "cloud_example")
    return target(profile(options.SET(command)))


def show_deployment(console: Terminal, config: Config) -> None:
    """Shows the settings of the deployment, defaults left out, and what goes where."""
    sections = config.model_dump(mode="json", include={"deploy", "beam"}, exclude_defaults=True)
    console.say(yaml.safe_dump(sections, sort_keys=False))
    deploy = config.deploy
    to_endpoint = deploy.push_to == "endpoint"
    served = f"the endpoint {deploy.endpoint.name}" if to_endpoint else f"{deploy.bucket}/serving"
    console.say(f"Artifacts go to {deploy.bucket}/pipeline, pushed models to {served}.")


def show_limits(console: Terminal, target: Target) -> None:
    """Shows what the platform can't do."""
    if target == "kubeflow":
        console.say(
            "\nKubeflow Pipelines finds nothing of earlier runs: the gate compares with its floors "
            "and the baselines but with no earlier model, the report with no earlier data."
        )
