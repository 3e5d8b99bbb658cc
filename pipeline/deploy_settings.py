"""Settings of a deployment: where the pipeline runs in a cloud, and on which machines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from components.pusher.settings import EndpointSettings
from schema.settings import Settings

Target = Literal["vertex", "kubeflow"]

BucketPath = Annotated[str, StringConstraints(pattern=r"^gs://[^/]+(/[^/]+)*$")]
# What Google Cloud takes for a label's key and value.
LabelText = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,63}$")]


class MachineSettings(Settings):
    """What a step's container asks for; 0 leaves it to the platform.

    Attributes:
        cpus: Virtual cores.
        memory_gib: Main memory.
    """

    cpus: float = Field(default=0.0, ge=0.0)
    memory_gib: float = Field(default=0.0, ge=0.0)


class TrainerMachineSettings(MachineSettings):
    """What Trainer's container asks for.

    Attributes:
        accelerator: Type of the GPUs, as the platform calls it; empty where there is none.
        accelerators: GPUs of each worker.
        workers: Machines that train together. More than one run as a custom job of Vertex AI.
        machine_type: Machine of each worker of such a job.
    """

    accelerator: str = ""
    accelerators: int = Field(default=0, ge=0)
    workers: int = Field(default=1, ge=1)
    machine_type: str = "n1-standard-8"


class ScheduleSettings(Settings):
    """When the pipeline runs by itself.

    Attributes:
        cron: Five fields of cron; empty for one run at once.
        time_zone: Time zone of `cron`, by its name in the IANA database.
        most_at_once: Runs at the same time, at the most.
    """

    cron: str = ""
    time_zone: str = "UTC"
    most_at_once: int = Field(default=1, ge=1)


class DeploySettings(Settings):
    """Where the pipeline runs in a cloud.

    Attributes:
        project: Project of Google Cloud.
        region: Region of Vertex AI.
        bucket: Folder for TFX's artifacts and, with `push_to: bucket`, the pushed versions.
        data: Folder of the CSV files.
        pattern: Their names in it; `{SPAN}` stands for the number of a span.
        image: The project's image, with its tag or digest.
        beam_image: The image of Beam's workers, where the runner is not `direct`.
        service_account: Account that the steps run as; empty for the platform's own.
        labels: Labels of every run.
        machine: What every step but Trainer asks for.
        trainer: What Trainer asks for.
        push_to: A serving folder in the bucket, or a Vertex AI endpoint.
        endpoint: See there.
        schedule: When the pipeline runs by itself.
        host: Address of the Kubeflow Pipelines API.
        namespace: The user's namespace in a Kubeflow with several; empty where there's only one.
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
    push_to: Literal["bucket", "endpoint"] = "bucket"
    endpoint: EndpointSettings = EndpointSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    host: str = ""
    namespace: str = ""
