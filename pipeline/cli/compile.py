"""`arxiv-tagger compile`: the pipeline as a file that a cloud runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from pipeline.cli.deployment import PLATFORMS, deployment_options, show_deployment, show_limits
from pipeline.cli.errors import report_errors
from pipeline.cloud.required_settings import check_required, missing_settings
from pipeline.config import resolve
from pipeline.deploy_settings import Target
from pipeline.local.output_redirect import output_dropped
from pipeline.own_parts import check_own_parts
from pipeline.terminal import Terminal
from schema.errors import UsageError, writing


@click.command()
@deployment_options
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file, .json or .yaml. [default: pipeline.json; pipeline.yaml for kubeflow]",
)
@report_errors
def compile(target: Target, profile: str, overrides: tuple[str, ...], output: Path | None) -> None:
    """Compile the pipeline for a cloud, without network or credentials.

    Writes a PipelineJob for vertex, and a PipelineSpec of Kubeflow Pipelines 2 for kubeflow.
    """
    output = output or Path("pipeline.yaml" if target == "kubeflow" else "pipeline.json")
    if output.suffix not in (".json", ".yaml", ".yml"):
        raise UsageError(f"--output {output} must end in .json, .yaml or .yml.")
    config, settings = resolve(profile, overrides)
    check_required(config, target)
    console = Terminal()
    console.say("Compiling; loading TFX takes a while.")
    with output_dropped():
        check_own_parts(config, settings)
        from pipeline.cloud.compile import compile_pipeline
        from pipeline.code_version import code_version

        spec = compile_pipeline(config, target, code_version())
    write_spec(spec, output)
    steps = len(spec.get("pipelineSpec", spec)["root"]["dag"]["tasks"])
    console.say(("✓", "green"), f" {output}: {steps} steps for {PLATFORMS[target]}\n")
    show_deployment(console, config)
    show_limits(console, target)
    left = missing_settings(config, target)
    if left:
        console.say(f"\nStill placeholders: {', '.join(left)}. `submit` refuses them.")


def write_spec(spec: Mapping[str, Any], path: Path) -> None:
    """Writes a compiled pipeline as JSON or YAML; equal ones give equal bytes.

    Raises:
        BadInputError: The file can't be written.
    """
    if path.suffix == ".json":
        text = json.dumps(spec, indent=2, sort_keys=True) + "\n"
    else:
        text = yaml.safe_dump(spec, sort_keys=True)
    with writing(path, "Choose another --output file"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
