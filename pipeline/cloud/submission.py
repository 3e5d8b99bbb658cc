"""What both platforms are asked for, and what comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pipeline.deploy_settings import DeploySettings, ScheduleSettings
from schema.errors import UsageError

_CRON_FIELDS: Final = 5


@dataclass(frozen=True)
class Submission:
    """A pipeline that was sent, or would be.

    Attributes:
        name: What the platform calls the run or the schedule; before it was sent, what it
            would be called.
        url: Page that shows it; empty where nothing was sent.
        request: The request as JSON.
        paused: Names of older schedules of this pipeline, which were paused.
    """

    name: str
    url: str
    request: Mapping[str, Any]
    paused: tuple[str, ...] = field(default=())


def inner_spec(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the PipelineSpec, also where a PipelineJob is around it."""
    inner: Mapping[str, Any] = spec.get("pipelineSpec", spec)
    return inner


def display_name(spec: Mapping[str, Any]) -> str:
    """Returns the pipeline's name as a person sees it."""
    return str(spec.get("displayName") or inner_spec(spec)["pipelineInfo"]["name"])


def pipeline_root(spec: Mapping[str, Any], deploy: DeploySettings) -> str:
    """Returns the folder of the artifacts: the compiled one, or else the bucket."""
    job = spec.get("runtimeConfig", {}).get("gcsOutputDirectory")
    return str(job or inner_spec(spec).get("defaultPipelineRoot") or deploy.bucket)


def check_parameters(spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Stops at a value for which the pipeline has no parameter.

    Raises:
        UsageError: There is one.
    """
    declared = inner_spec(spec)["root"].get("inputDefinitions", {}).get("parameters", {})
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise UsageError(
            f"The compiled pipeline has no parameter {', '.join(unknown)}. It has "
            f"{', '.join(sorted(declared)) or 'none'}."
        )


def read_cron(schedule: ScheduleSettings) -> str:
    """Returns the five fields of the schedule.

    Raises:
        UsageError: There are more or fewer.
    """
    fields = schedule.cron.split()
    if len(fields) != _CRON_FIELDS:
        raise UsageError(
            f"deploy.schedule.cron is {schedule.cron!r}, and should have five fields: minute, "
            "hour, day of the month, month, day of the week, as in '0 3 1 * *'. The time zone "
            "goes into deploy.schedule.time_zone."
        )
    return " ".join(fields)


def machine_name(name: str) -> str:
    """Returns a name of small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@contextmanager
def package_file(content: Mapping[str, Any]) -> Iterator[str]:
    """Writes a spec where the platform's library can read it, and removes it afterwards."""
    with TemporaryDirectory() as folder:
        # Every JSON is a YAML, and kfp takes no other name.
        path = Path(folder) / "pipeline.yaml"
        path.write_text(json.dumps(content), "utf-8")
        yield str(path)
