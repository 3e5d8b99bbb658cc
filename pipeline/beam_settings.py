"""Settings of Beam: the runner, and its workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from schema.settings import Settings

Runner = Literal["direct", "dataflow", "flink", "spark"]
Mode = Literal["auto", "in_memory", "multi_threading", "multi_processing"]
Argument = Annotated[str, StringConstraints(pattern=r"^--[A-Za-z]")]

# Always named: from 2.68 on, Beam's default local runner is a download.
_RUNNERS: Final[Mapping[Runner, str]] = {
    "direct": "DirectRunner",
    "dataflow": "DataflowRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
}


class BeamSettings(Settings):
    """How Beam runs. No setting changes the results.

    One worker is the default because more are not faster on the data measured; see `docs/beam.md`.

    Attributes:
        runner: What runs Beam's pipelines: `direct` is this machine, the others are clusters.
        mode: How the direct runner's workers run; `auto` is `in_memory` for one worker and
            `multi_processing`, the only one that uses several cores for Python, for more.
        workers: Workers of the direct runner; 0 is one per core. The other runners have arguments
            of their own for that, such as `--max_num_workers=20`.
        arguments: Any Beam arguments, such as `--flink_master=host:8081`. They come last and
            override the others.
    """

    runner: Runner = "direct"
    mode: Mode = "auto"
    workers: int = Field(default=1, ge=0)
    arguments: tuple[Argument, ...] = ()

    @model_validator(mode="after")
    def _check_workers(self) -> BeamSettings:
        if self.runner != "direct" and (self.mode, self.workers) != ("auto", 1):
            raise ValueError(
                f"mode and workers are settings of the direct runner; {self.runner} takes its own "
                "arguments, in beam.arguments"
            )
        if self.mode == "in_memory" and self.workers != 1:
            raise ValueError("in_memory means one worker; use multi_processing for more")
        return self

    def pipeline_args(self) -> list[str]:
        """Returns the arguments of every Beam pipeline."""
        arguments = [f"--runner={_RUNNERS[self.runner]}"]
        if self.runner == "direct":
            mode = self.mode
            if mode == "auto":
                mode = "in_memory" if self.workers == 1 else "multi_processing"
            arguments += [
                f"--direct_running_mode={mode}",
                f"--direct_num_workers={self.workers}",
                # The workers are this process, or start from its environment. Without a package or
                # an image, TFX would build a package of itself for every Beam pipeline.
                "--sdk_container_image=none",
            ]
        return [*arguments, *self.arguments]
