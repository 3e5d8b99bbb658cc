"""Which settings a deployment needs, and which of them nobody has filled in yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import attrgetter
from typing import Final

from pipeline.config import Config
from pipeline.deploy_settings import Target
from schema.errors import UsageError

# A placeholder begins with it: `example-project`, `gs://example-bucket/papers`,
# `a@example-project.iam...`. In `my-example-project` the word is somebody's own.
_PLACEHOLDER: Final = re.compile(r"(?<![\w-])example-")

# May be empty: then the platform has one of its own, or there is none.
_OPTIONAL: Final = ("service_account", "namespace", "beam_image")

_MEANINGS: Final[Mapping[str, str]] = {
    "project": "the project of Google Cloud, such as my-project",
    "region": "the region of Vertex AI, such as europe-west4",
    "bucket": "the folder for TFX's artifacts, such as gs://my-bucket/arxiv-tagger",
    "data": "the folder of the CSV files, such as gs://my-bucket/papers",
    "image": "the project's image in your registry, with its tag or digest",
    "beam_image": "the image of Beam's workers (the Dockerfile's target `beam`)",
    "endpoint.container": "Vertex AI's prebuilt image that serves TensorFlow models",
}


def check_required(config: Config, target: Target) -> None:
    """Stops if a compiled pipeline would hold an empty setting, or ask for the impossible.

    Args:
        config: The whole configuration; its sections `deploy` and `beam` are read.
        target: The platform.

    Raises:
        UsageError: The message names each setting.
    """
    deploy = config.deploy
    gaps = [name for name in _compiled_in(config, target) if not attrgetter(name)(deploy)]
    if gaps:
        raise UsageError(
            "These settings are empty. Give them in a profile's `deploy` section, or by "
            "--set deploy.KEY=VALUE:\n"
            + "\n".join(f"  deploy.{name}: {_MEANINGS[name]}" for name in gaps)
        )
    if deploy.trainer.accelerators and not deploy.trainer.accelerator:
        raise UsageError(
            f"deploy.trainer.accelerators is {deploy.trainer.accelerators}, and "
            "deploy.trainer.accelerator is empty: say which GPU, such as NVIDIA_TESLA_T4."
        )
    if deploy.trainer.workers > 1 and target == "kubeflow":
        raise UsageError(
            f"deploy.trainer.workers is {deploy.trainer.workers}: several machines train as a "
            "custom job of Vertex AI, which --target kubeflow does not start. Set it to 1; one "
            "machine may have several GPUs (deploy.trainer.accelerators)."
        )


def missing_settings(config: Config, target: Target) -> list[str]:
    """Returns the settings that a run needs and that are empty, and all that are placeholders.

    Args:
        config: The whole configuration; its sections `deploy` and `beam` are read.
        target: The platform.

    Returns:
        Names such as `deploy.bucket`, in a fixed order.
    """
    deploy = config.deploy
    platform = ["project", "region"] if target == "vertex" else ["host"]
    needed = dict.fromkeys([*platform, *_compiled_in(config, target)])
    if deploy.push_to == "endpoint":
        needed["endpoint.name"] = None
    left = [name for name in needed if not attrgetter(name)(deploy)]
    left += [
        name
        for name in {**needed, **dict.fromkeys(_OPTIONAL)}
        if _PLACEHOLDER.search(attrgetter(name)(deploy))
    ]
    return [f"deploy.{name}" for name in left]


def _compiled_in(config: Config, target: Target) -> list[str]:
    """Returns the settings without which a compiled pipeline can't run."""
    deploy = config.deploy
    names = ["bucket", "data", "image"]
    if (
        deploy.trainer.workers > 1
        or (config.tuner.enabled and target == "vertex")
        or deploy.push_to == "endpoint"
        or config.beam.runner == "dataflow"
    ):
        names = ["project", "region", *names]
    if config.beam.runner != "direct":
        names.append("beam_image")
    if deploy.push_to == "endpoint":
        names.append("endpoint.container")
    return names
