"""Where a run reads and writes, and how one in a cloud differs from one on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    # A run on this machine spends half a second less on its start without kfp.
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig

    ResourceSpec: TypeAlias = PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec


@dataclass(frozen=True)
class Places:
    """Where a run reads and writes.

    Attributes:
        input_base: The folder of the CSV file.
        pattern: The file's name in it, or a pattern of several.
        schema_dir: The folder that holds the curated schema.
        pipeline_root: Where TFX keeps its artifacts.
        serving_dir: The parent of the pushed versions.
    """

    input_base: str
    pattern: str
    schema_dir: str
    pipeline_root: str
    serving_dir: str


@dataclass(frozen=True)
class CloudOptions:
    """How a run in a cloud differs from one on this machine.

    Attributes:
        image: Container image of every step.
        trainer: Resources of Trainer's container; None leaves them to the platform.
        others: Resources of every other step's container; None leaves them to the platform.
        training_job: Additions to Trainer's `custom_config` that make Vertex AI train on several
            machines; None trains in the step's own container.
        tuning_job: The same for the Tuner's trials; None runs them in the step's own container.
        endpoint: The endpoint that Pusher deploys to, an EndpointTarget as JSON; empty to add a
            version to the serving folder.
        beam_arguments: Arguments of every Beam pipeline.
        earlier_runs: Whether the platform finds the last blessed model and the last statistics.
    """

    image: str
    trainer: ResourceSpec | None
    others: ResourceSpec | None
    training_job: Mapping[str, Any] | None
    tuning_job: Mapping[str, Any] | None
    endpoint: str
    beam_arguments: tuple[str, ...]
    earlier_runs: bool
