"""What a deployment's settings must say before anything can be compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.config import Config
from pipeline.deploy_settings import Target
from schema.errors import UsageError

_EXAMPLES: Final[Mapping[str, str]] = {
    "project": "the project of Google Cloud, such as my-project",
    "region": "the region of Vertex AI, such as europe-west4",
    "bucket": "the folder for TFX's artifacts, such as gs://my-bucket/arxiv-tagger",
    "data": "the folder of the CSV files, such as gs://my-bucket/papers",
    "image": "the project's image in your registry, with its tag or digest",
    "beam_image": "the image of Beam's workers (the Dockerfile's target `beam`)",
    "endpoint.container": "Vertex AI's prebuilt image that serves TensorFlow models",
}


def refuse_gaps(config: Config, target: Target) -> None:
    """Stops where a compiled pipeline would hold an empty setting, or ask for what can't be.

    Args:
        config: The whole configuration; read are its sections `deploy` and `beam`.
        target: The platform.

    Raises:
        UsageError: The message names each setting.
    """
    deploy = config.deploy
    needed = ["image", "bucket", "data"]
    several = deploy.trainer.workers > 1
    if several or deploy.push_to == "endpoint" or config.beam.runner == "dataflow":
        needed = ["project", "region", *needed]
    if config.beam.runner != "direct":
        needed.append("beam_image")
    given = deploy.model_dump()
    if deploy.push_to == "endpoint":
        needed.append("endpoint.container")
        given["endpoint.container"] = deploy.endpoint.container
    gaps = [f"  deploy.{name}: {_EXAMPLES[name]}" for name in needed if not given[name]]
    if gaps:
        raise UsageError(
            "These settings are empty. Give them in a profile's `deploy` section, or by "
            "--set deploy.KEY=VALUE:\n" + "\n".join(gaps)
        )
    if deploy.trainer.accelerators and not deploy.trainer.accelerator:
        raise UsageError(
            f"deploy.trainer.accelerators is {deploy.trainer.accelerators}, and "
            "deploy.trainer.accelerator is empty: say which GPU, such as NVIDIA_TESLA_T4."
        )
    if several and target == "kubeflow":
        raise UsageError(
            f"deploy.trainer.workers is {deploy.trainer.workers}: several machines train as a "
            "custom job of Vertex AI, which --target kubeflow does not start. Set it to 1; one "
            "machine may have several GPUs (deploy.trainer.accelerators)."
        )
