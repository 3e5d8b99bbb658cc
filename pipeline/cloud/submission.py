"""What both platforms need to submit a compiled pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pipeline.deploy_settings import ScheduleSettings
from schema.errors import UsageError

_CRON_FIELDS: Final = 5


@dataclass(frozen=True)
class Submission:
    """A pipeline that was submitted, or would be.

    Attributes:
        name: The platform's name of the run or the schedule; what it would be called if it was
            not sent.
        url: Page that shows it; empty if nothing was sent.
        paused: Older schedules of this pipeline, which were paused.
    """

    name: str
    url: str = ""
    paused: tuple[str, ...] = ()


def read_cron(schedule: ScheduleSettings) -> str:
    """Returns the five fields of the schedule.

    Raises:
        UsageError: There are more or fewer.
    """
    fields = schedule.cron.split()
    if len(fields) != _CRON_FIELDS:
        raise UsageError(
            f"deploy.schedule.cron is {schedule.cron!r}, and must have five fields: minute, hour, "
            "day of the month, month, day of the week, as in '0 3 1 * *'. The time zone goes into "
            "deploy.schedule.time_zone."
        )
    return " ".join(fields)


@contextmanager
def package_file(spec: Mapping[str, Any]) -> Iterator[str]:
    """Writes a spec to a temporary file that the platforms' libraries read."""
    with TemporaryDirectory() as folder:
        # JSON is YAML, and kfp takes no other name.
        path = Path(folder) / "pipeline.yaml"
        path.write_text(json.dumps(spec), "utf-8")
        yield str(path)
