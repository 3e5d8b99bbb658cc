"""`arxiv-tagger submit`: a run of the pipeline in a cloud."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from pipeline.cli.deployment import (
    PLATFORMS,
    deployment_options,
    show_deployment,
    show_limits,
)
from pipeline.cli.errors import report_errors
from pipeline.cloud.required_settings import check_required, missing_settings
from pipeline.config import Config, load_config, resolve
from pipeline.deploy_settings import Target
from pipeline.local.download import DATA_SUFFIX
from pipeline.local.output_redirect import output_dropped
from pipeline.own_parts import check_own_parts
from pipeline.terminal import Terminal
from schema.errors import UsageError

# The settings that travel as runtime parameters (see `run_parameters`), beside that of the data,
# by how their names begin; all others are compiled in.
_RUNTIME: Final = ("trainer.", "trainer=", "gate.", "gate=", "serving.top_k")


@click.command()
@deployment_options
@click.option("--data", metavar="PATH", help="Folder of the CSV files, or one of them.")
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Maximum number of epochs.")
@click.option(
    "--floor",
    "floors",
    metavar="METRIC=VALUE",
    multiple=True,
    help="Lowest value of a metric to push a model, such as micro_f1=0.6 (repeatable).",
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
    """Compile the pipeline and run it in a cloud.

    What changes from run to run (--data, --epochs, --floor, any --set of trainer.* and gate.*) is
    sent as parameters of the run; the compiled pipeline stays the same.
    """
    overrides = (*overrides, *_overrides(data, epochs, floors))
    config, settings = resolve(profile, overrides)
    left = missing_settings(config, target)
    if left:
        raise UsageError(
            f"These settings are placeholders or empty: {', '.join(left)}. Copy the `deploy` "
            "section of the profile cloud_example into a YAML file of your own, and name it with "
            f"--profile; or give each by --set, as in --set {left[0]}=..."
        )
    template = _compiled_config(profile, overrides)
    check_required(config, target)
    console = Terminal()
    console.say("Compiling; loading TFX takes a while.")
    with output_dropped():
        check_own_parts(config, settings)
        if target == "vertex":
            from pipeline.cloud.submit_vertex import submit_to_vertex as send
        else:
            from pipeline.cloud.submit_kubeflow import submit_to_kubeflow as send
        from pipeline.cloud.compile import compile_pipeline
        from pipeline.cloud.parameters import cloud_places, make_cloud
        from pipeline.code_version import code_version
        from pipeline.run_parameters import run_parameters

        code = code_version()
        spec = compile_pipeline(template, target, code)
        values, defaults = (
            run_parameters(each, cloud_places(each.deploy), code, make_cloud(each, target))
            for each in (config, template)
        )
        submission = send(
            spec,
            config.deploy,
            parameters={key: value for key, value in values.items() if value != defaults[key]},
            caching=not no_cache,
            dry_run=dry_run,
        )
    verb = "Would send" if dry_run else "Sent"
    console.say(("✓", "green"), f" {verb} {submission.name} to {PLATFORMS[target]}\n")
    show_deployment(console, config)
    schedule = config.deploy.schedule
    when = f"at {schedule.cron} ({schedule.time_zone})" if schedule.cron else "once, now"
    cache = "every step runs" if no_cache else "unchanged steps are taken from the cache"
    console.say(f"It runs {when}; {cache}.")
    _show_changes(console, config, template)
    show_limits(console, target)
    for older in submission.paused:
        console.say(f"\nPaused the older schedule {older}")
    if submission.url:
        console.say(f"\n{submission.url}")


def _overrides(data: str | None, epochs: int | None, floors: Sequence[str]) -> list[str]:
    """Returns the overrides that the short options stand for."""
    overrides = []
    if data is not None:
        folder, _, name = data.rstrip("/").rpartition("/")
        if (suffix := DATA_SUFFIX.search(name)) and suffix[1]:
            data = folder
            overrides.append(f"deploy.pattern={json.dumps(glob.escape(name))}")
        overrides.append(f"deploy.data={json.dumps(data.rstrip('/'))}")
    if epochs is not None:
        overrides.append(f"trainer.epochs={epochs}")
    for floor in floors:
        metric, separator, value = floor.partition("=")
        if not separator or not metric:
            raise UsageError(f"--floor {floor!r} must read METRIC=VALUE, such as micro_f1=0.6.")
        overrides.append(f"gate.floors.{metric}={value}")
    return overrides


def _compiled_config(profile: str, overrides: Sequence[str]) -> Config:
    """Returns what is compiled: the configuration without the runtime parameters."""
    fixed, data = [], []
    for override in overrides:
        if override.startswith("deploy.data="):
            data.append(override)
        elif not override.startswith(_RUNTIME):
            fixed.append(override)
    config = load_config(profile, fixed)
    # A parameter needs a default.
    return config if config.deploy.data else load_config(profile, [*fixed, *data])


def _show_changes(console: Terminal, config: Config, template: Config) -> None:
    changes = list(_changes(config.model_dump(mode="json"), template.model_dump(mode="json")))
    if changes:
        console.say("\nParameters of this run")
    for key, before, after in changes:
        default = "not set" if before is None else before
        console.say(f"  {key}: {after} (compiled: {default})")


def _changes(after: Any, before: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(after, dict) and isinstance(before, dict):
        for key in {**before, **after}:
            inner = f"{path}.{key}" if path else str(key)
            yield from _changes(after.get(key), before.get(key), inner)
    elif after != before:
        yield path, before, after
