"""Makes the cloud's part of the graph from the `deploy` and `beam` settings."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineDeploymentConfig

from components.pusher.settings import EndpointTarget
from pipeline.config import Config
from pipeline.deploy_settings import (
    DeploySettings,
    MachineSettings,
    Target,
    TrainerMachineSettings,
)
from pipeline.places import CloudOptions, Places
from schema.names import MODEL_NAME, SCHEMA_IN_IMAGE

ResourceSpec: TypeAlias = PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec

# KFP counts memory in 10^9 bytes.
_GIB: Final = 2**30 / 1e9

# Kubernetes knows GPUs by their vendor only; node labels tell the model.
_NVIDIA: Final = "NVIDIA_"
_KUBERNETES_GPU: Final = "nvidia.com/gpu"

# The keys by which TFX's Trainer and Tuner for Vertex AI find their jobs.
TRAINING_ARGS: Final = "ai_platform_training_args"
TUNING_ARGS: Final = "ai_platform_tuning_args"


def make_cloud(config: Config, target: Target) -> CloudOptions:
    """Makes what the graph takes.

    Args:
        config: The whole configuration, which `check_required` has let pass.
        target: The platform.
    """
    deploy = config.deploy
    several = deploy.trainer.workers > 1
    tunes = config.tuner.enabled and target == "vertex"
    return CloudOptions(
        image=deploy.image,
        trainer=_resources(deploy.machine if several else deploy.trainer, target),
        others=_resources(deploy.machine, target),
        training_job=_custom_job(deploy, TRAINING_ARGS, deploy.trainer.workers)
        if several
        else None,
        tuning_job=_custom_job(deploy, TUNING_ARGS, deploy.parallel_trials) if tunes else None,
        endpoint=_endpoint(deploy) if deploy.push_to == "endpoint" else "",
        # The settings come last, so that they override what is derived here.
        beam_arguments=(*_beam_arguments(config), *config.beam.pipeline_args()),
        # The open-source backend takes only containers and importers: it refuses a pipeline with a
        # resolver ("non-container and non-importer executor not implemented", kubeflow/pipelines,
        # backend/src/v2/compiler/visitor.go).
        earlier_runs=target == "vertex",
    )


def cloud_places(deploy: DeploySettings) -> Places:
    """Returns where a run in a cloud reads and writes."""
    bucket = deploy.bucket.rstrip("/")
    return Places(
        input_base=deploy.data.rstrip("/"),
        pattern=deploy.pattern,
        schema_dir=SCHEMA_IN_IMAGE.rpartition("/")[0],
        pipeline_root=f"{bucket}/pipeline",
        serving_dir=f"{bucket}/serving/{MODEL_NAME}",
    )


def _resources(machine: MachineSettings, target: Target) -> ResourceSpec | None:
    asked = ResourceSpec(cpu_limit=machine.cpus, memory_limit=round(machine.memory_gib * _GIB, 9))
    if isinstance(machine, TrainerMachineSettings) and machine.accelerators:
        by_vendor = target == "kubeflow" and machine.accelerator.startswith(_NVIDIA)
        asked.accelerator.type = _KUBERNETES_GPU if by_vendor else machine.accelerator
        asked.accelerator.count = machine.accelerators
    return asked if asked != ResourceSpec() else None


def _custom_job(deploy: DeploySettings, key: str, machines: int) -> dict[str, Any]:
    """Returns a CustomJob of Vertex AI: a chief and its workers, told apart by the environment.

    https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs
    """
    # Loads Google's client library, which local runs don't need.
    from tfx.extensions.google_cloud_ai_platform.constants import (
        ENABLE_VERTEX_KEY,
        VERTEX_REGION_KEY,
    )

    machine: dict[str, Any] = {"machine_type": deploy.trainer.machine_type}
    if deploy.trainer.accelerators:
        machine["accelerator_type"] = deploy.trainer.accelerator
        machine["accelerator_count"] = deploy.trainer.accelerators
    specification: dict[str, Any] = {
        "worker_pool_specs": [
            {
                "machine_spec": machine,
                "replica_count": replicas,
                "container_spec": {"image_uri": deploy.image},
            }
            for replicas in (1, machines - 1)
            if replicas
        ]
    }
    if deploy.service_account:
        specification["service_account"] = deploy.service_account
    return {
        ENABLE_VERTEX_KEY: True,
        VERTEX_REGION_KEY: deploy.region,
        key: {
            "project": deploy.project,
            "job_spec": specification,
            "labels": dict(deploy.labels),
        },
    }


def _endpoint(deploy: DeploySettings) -> str:
    settings = deploy.endpoint.model_dump()
    target = EndpointTarget(project=deploy.project, region=deploy.region, **settings)
    return target.model_dump_json()


def _beam_arguments(config: Config) -> list[str]:
    """Returns what a cluster's Beam runner needs from the other settings."""
    deploy = config.deploy
    if config.beam.runner == "direct":
        return []
    arguments = [f"--sdk_container_image={deploy.beam_image}"]
    if config.beam.runner == "dataflow":
        arguments += [
            f"--project={deploy.project}",
            f"--region={deploy.region}",
            f"--temp_location={deploy.bucket.rstrip('/')}/beam",
            # The image holds the code: nothing is staged.
            "--sdk_location=container",
        ]
        if deploy.service_account:
            arguments.append(f"--service_account_email={deploy.service_account}")
        arguments += [f"--labels={key}={value}" for key, value in sorted(deploy.labels.items())]
    return arguments
