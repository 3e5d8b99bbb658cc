"""Settings of a deployment: where the pipeline runs in a cloud, and on which machines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from components.pusher.settings import EndpointSettings
from schema.settings import Settings

Target = Literal["vertex", "kubeflow"]

BucketPath = Annotated[str, StringConstraints(pattern=r"^gs://[^/]+(/[^/]+)*$")]
# What Google Cloud accepts as a label's key and value.
LabelText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,63}$")]


class MachineSettings(Settings):
    """Resources of a step's container.

    Attributes:
        cpus: Number of virtual cores; 0 leaves it to the platform.
        memory_gib: Main memory in GiB; 0 leaves it to the platform.
    """

    cpus: float = Field(default=0.0, ge=0.0)
    memory_gib: float = Field(default=0.0, ge=0.0)


class TrainerMachineSettings(MachineSettings):
    """Resources of Trainer's container.

    Attributes:
        cpus: Number of virtual cores; 0 leaves it to the platform.
        memory_gib: Main memory in GiB; 0 leaves it to the platform.
        accelerator: GPU type by Vertex AI's name, such as NVIDIA_TESLA_T4; Kubeflow is asked for
            nvidia.com/gpu instead. Empty without GPUs.
        accelerators: Number of GPUs of each worker; 0 for none.
        workers: Number of machines that train together. More than one run as a custom job of
            Vertex AI, so only on Vertex AI.
        machine_type: Compute Engine machine type of each worker of such a job.
    """

    accelerator: str = ""
    accelerators: int = Field(default=0, ge=0)
    workers: int = Field(default=1, ge=1)
    machine_type: str = "n1-standard-8"


class ScheduleSettings(Settings):
    """When the pipeline runs by itself.

    Attributes:
        cron: Schedule as five cron fields, such as `0 3 1 * *`; empty for a single run right now.
        time_zone: Time zone of `cron` by its IANA name, such as Europe/Berlin; Kubeflow takes only
            UTC.
        most_at_once: Maximum number of runs at the same time.
    """

    cron: str = ""
    time_zone: str = "UTC"
    most_at_once: int = Field(default=1, ge=1)


class DeploySettings(Settings):
    """Where the pipeline runs in a cloud.

    Attributes:
        project: Google Cloud project, for Vertex AI and Dataflow.
        region: Region of Vertex AI and Dataflow, such as europe-west4.
        bucket: Cloud Storage folder (gs://...) for TFX's artifacts and, with `push_to: bucket`, the
            pushed versions. It must exist.
        data: Folder of the CSV files, such as gs://my-bucket/papers.
        pattern: Glob pattern of the CSV files in `data`; `{SPAN}` stands for the number of a span,
            `{YYYY}`, `{MM}` and `{DD}` for its day, `{VERSION}` for its version.
        image: The project's container image, with its tag or digest.
        beam_image: Container image of Beam's workers; needed unless `beam.runner` is direct.
        service_account: Account that the steps run as; empty for the platform's default.
        labels: Labels of every run, on Vertex AI and Dataflow.
        machine: Resources of every step but Trainer.
        trainer: Resources of Trainer.
        parallel_trials: Trials of the tuner at a time on Vertex AI, each on a machine like one of
            Trainer's.
        push_to: Where models are pushed: `bucket`, a serving folder in `bucket`; or `endpoint`, a
            Vertex AI endpoint.
        endpoint: The endpoint, with `push_to: endpoint`.
        schedule: When the pipeline runs by itself.
        host: URL of the Kubeflow Pipelines API, for Kubeflow only.
        namespace: Your namespace in a multi-user Kubeflow; empty if it has only one.
    """

    project: str = ""
    region: str = ""
    bucket: BucketPath | Literal[""] = ""
    data: str = ""
    pattern: str = "*.csv*"
    image: str = ""
    beam_image: str = ""
    service_account: str = ""
    labels: dict[LabelText, LabelText] = Field(default_factory=dict)
    machine: MachineSettings = MachineSettings()
    trainer: TrainerMachineSettings = TrainerMachineSettings()
    parallel_trials: int = Field(default=1, ge=1)
    push_to: Literal["bucket", "endpoint"] = "bucket"
    endpoint: EndpointSettings = EndpointSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    host: str = ""
    namespace: str = ""
