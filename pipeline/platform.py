"""What differs where the pipeline runs in a cloud, as the graph takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from kfp.pipeline_spec import pipeline_spec_pb2

ResourceSpec: TypeAlias = (
    pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
)


@dataclass(frozen=True)
class Cloud:
    """What differs in a cloud from a run on this machine.

    Attributes:
        image: The container of every step.
        trainer: What Trainer's container asks for; None leaves it to the platform.
        others: What every other step's container asks for.
        training_job: What goes into Trainer's `custom_config` beside our own settings, so that
            Vertex AI trains on several machines; None trains in the step's own container.
        endpoint: Where Pusher deploys, as JSON; empty to add a version to the serving folder.
        beam_arguments: Arguments of every Beam pipeline.
        earlier_runs: Whether the platform finds what earlier runs left: the last blessed model,
            and the last statistics.
    """

    image: str
    trainer: ResourceSpec | None
    others: ResourceSpec | None
    training_job: Mapping[str, Any] | None
    endpoint: str
    beam_arguments: tuple[str, ...]
    earlier_runs: bool
