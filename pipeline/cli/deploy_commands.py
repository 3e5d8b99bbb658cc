"""What `compile` and `submit` do; `deploy_cli` only reads their options."""

from __future__ import annotations

import glob
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from pipeline.cloud.gaps import refuse_gaps
from pipeline.cloud.spec_file import notation, write_spec
from pipeline.cloud.submission import inner_spec
from pipeline.config import Config, load_config
from pipeline.local.quiet import output_to_log
from schema.errors import UsageError

if TYPE_CHECKING:
    from pipeline.deploy_settings import MachineSettings, Target, TrainerMachineSettings

_PLATFORMS: Final = {"vertex": "Vertex AI Pipelines", "kubeflow": "Kubeflow Pipelines"}

# How the names of the settings begin that a run's parameters hold (see `run_parameters`), beside
# that of the data; all others are compiled in.
_CHANGEABLE: Final = ("trainer.", "trainer=", "gate.", "gate=", "serving.top_k")


def compile_command(target: Target, profile: str, overrides: Sequence[str], output: Path) -> None:
    """Compiles the pipeline into a file and shows what is in it.

    Args:
        target: The platform.
        profile: Name or path of the profile.
        overrides: Changed settings, `section.key=value` each.
        output: The file.
    """
    # A wrong name is told now, not after TFX has loaded.
    notation(output)
    config = load_config(profile, overrides)
    refuse_gaps(config, target)
    console = Console(highlight=False)
    with _quiet(console):
        from pipeline.cloud.compile import compile_pipeline
        from pipeline.code_version import code_version

        spec = compile_pipeline(config, target, code_version())
    write_spec(spec, output)
    steps = len(inner_spec(spec)["root"]["dag"]["tasks"])
    console.print(f"[green]✓[/] {output}: {steps} steps for {_PLATFORMS[target]}\n", soft_wrap=True)
    _show_deployment(console, config)
    _show_limits(console, target)
    left = _left_open(config, target)
    if left:
        console.print(
            f"\nPlaceholders are left in {', '.join(left)}: `submit` refuses them.", soft_wrap=True
        )


def submit_command(
    target: Target, profile: str, overrides: Sequence[str], *, caching: bool, dry_run: bool
) -> None:
    """Compiles the pipeline and runs it in a cloud.

    Args:
        target: The platform.
        profile: Name or path of the profile.
        overrides: Changed settings, `section.key=value` each.
        caching: Whether steps that have run before on the same inputs are left out.
        dry_run: Only show what would be sent.

    Raises:
        UsageError: A placeholder is left.
    """
    from pipeline.cloud.submit import submit

    config = load_config(profile, overrides)
    left = _left_open(config, target)
    if left:
        raise UsageError(
            f"These settings are placeholders or empty: {', '.join(left)}. Copy the `deploy` "
            "section of the profile cloud_example into a YAML file of yours, and name it with "
            f"--profile; or give each by --set, as in --set {left[0]}=..."
        )
    template = _template(profile, overrides)
    refuse_gaps(config, target)
    console = Console(highlight=False)
    with _quiet(console):
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
        parameters = {key: value for key, value in values.items() if value != defaults[key]}
        submission = submit(
            spec,
            config.deploy,
            target,
            parameters=parameters,
            caching=caching,
            dry_run=dry_run,
        )
    verb = "Would send" if dry_run else "Sent"
    console.print(f"[green]✓[/] {verb} {submission.name} to {_PLATFORMS[target]}\n", soft_wrap=True)
    _show_deployment(console, config)
    _show_run(console, config, target, caching)
    _show_changes(console, config, template)
    _show_limits(console, target)
    for older in submission.paused:
        console.print(f"\nPaused the older schedule {older}", soft_wrap=True, markup=False)
    if submission.url:
        console.print(f"\n{submission.url}", soft_wrap=True, markup=False)


def run_overrides(data: str | None, epochs: int | None, floors: Sequence[str]) -> list[str]:
    """Returns the overrides that the short options stand for.

    Args:
        data: Folder of the CSV files, or one of them.
        epochs: Epochs at the most.
        floors: `METRIC=VALUE` each.

    Raises:
        UsageError: A floor is no such pair.
    """
    overrides = []
    if data is not None:
        folder, _, name = data.rstrip("/").rpartition("/")
        if name.endswith((".csv", ".csv.gz")):
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


def _left_open(config: Config, target: Target) -> list[str]:
    """Returns the names of the settings that are placeholders, or empty and needed."""
    from pipeline.cloud.placeholders import placeholders

    left = placeholders(config.deploy, target)
    if config.beam.runner == "dataflow":
        # Dataflow needs these wherever the pipeline runs.
        for name in placeholders(config.deploy, "vertex"):
            if name in {"deploy.project", "deploy.region"} and name not in left:
                left.append(name)
    return left


def _template(profile: str, overrides: Sequence[str]) -> Config:
    """Returns what is compiled: the configuration without what goes along as parameters."""
    fixed, data = [], []
    for override in overrides:
        if override.startswith("deploy.data="):
            data.append(override)
        elif not override.startswith(_CHANGEABLE):
            fixed.append(override)
    template = load_config(profile, fixed)
    # A parameter needs a default.
    return template if template.deploy.data else load_config(profile, [*fixed, *data])


def _show_deployment(console: Console, config: Config) -> None:
    deploy = config.deploy
    rows = {
        "data": f"{deploy.data}/{deploy.pattern}",
        "image": deploy.image,
        "artifacts": f"{deploy.bucket}/pipeline",
        "pushes to": f"the endpoint {deploy.endpoint.name}"
        if deploy.push_to == "endpoint"
        else f"{deploy.bucket}/serving",
        "Trainer": _trainer_machine(deploy.trainer),
        "other steps": _machine(deploy.machine),
        "Beam": config.beam.runner,
    }
    _show_rows(console, rows)


def _show_limits(console: Console, target: Target) -> None:
    if target == "kubeflow":
        console.print(
            "\nKubeflow Pipelines finds nothing of earlier runs: the gate keeps its floors, and "
            "compares with no last model; the report compares with no last data.",
            soft_wrap=True,
        )


def _show_run(console: Console, config: Config, target: Target, caching: bool) -> None:
    deploy = config.deploy
    every = deploy.schedule
    if target == "vertex":
        labels = ", ".join(f"{key}={value}" for key, value in sorted(deploy.labels.items()))
        rows = {"project": f"{deploy.project}, {deploy.region}", "labels": labels}
    else:
        rows = {"host": deploy.host, "namespace": deploy.namespace}
    rows |= {
        "account": deploy.service_account or "the platform's own",
        "cache": "steps that have run before are left out" if caching else "every step runs",
        "when": f"{every.cron} ({every.time_zone})" if every.cron else "once, now",
    }
    _show_rows(console, rows)


def _show_rows(console: Console, rows: Mapping[str, str]) -> None:
    for name, value in rows.items():
        if value:
            console.print(f"  {name:<12} {value}", soft_wrap=True, markup=False)


def _trainer_machine(machine: TrainerMachineSettings) -> str:
    gpus = f"{machine.accelerators} {machine.accelerator}" if machine.accelerators else ""
    if machine.workers == 1:
        return ", ".join(filter(None, (_machine(machine), gpus)))
    return f"{machine.workers} machines {machine.machine_type}" + (
        f", each with {gpus}" if gpus else ""
    )


def _machine(machine: MachineSettings) -> str:
    parts = []
    if machine.cpus:
        parts.append(f"{machine.cpus:g} CPUs")
    if machine.memory_gib:
        parts.append(f"{machine.memory_gib:g} GiB")
    return ", ".join(parts) or "as the platform chooses"


def _show_changes(console: Console, config: Config, template: Config) -> None:
    changes = list(_changes(config.model_dump(mode="json"), template.model_dump(mode="json")))
    if changes:
        console.print("\nParameters of this run", soft_wrap=True)
    for key, before, after in changes:
        default = "not set" if before is None else before
        console.print(f"  {key}: {after} (compiled: {default})", soft_wrap=True, markup=False)


def _changes(after: Any, before: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(after, dict) and isinstance(before, dict):
        for key in {**before, **after}:
            inner = f"{path}.{key}" if path else str(key)
            yield from _changes(after.get(key), before.get(key), inner)
    elif after != before:
        yield path, before, after


@contextmanager
def _quiet(console: Console) -> Iterator[None]:
    """Keeps the chatter of TFX's import off the terminal."""
    console.print("Compiling; loading TFX takes a while.", soft_wrap=True)
    with tempfile.TemporaryDirectory() as folder, output_to_log(Path(folder) / "log"):
        yield
