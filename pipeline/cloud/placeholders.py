"""Settings that nobody has filled in yet."""

from __future__ import annotations

import re
from typing import Final

from pipeline.deploy_settings import DeploySettings, Target

# As in `example-project`, `gs://example-bucket/papers`, `a@example-project.iam...`; in
# `my-example-project` the word is somebody's own.
_EXAMPLE: Final = re.compile(r"(?<![\w-])example-")

_NEEDED: Final[dict[Target, tuple[str, ...]]] = {
    "vertex": ("project", "region", "bucket", "data", "image"),
    "kubeflow": ("host", "bucket", "data", "image"),
}
# An account is sent where there is one; the platform has one of its own.
_OPTIONAL: Final = ("service_account", "namespace", "beam_image")
_FOR_AN_ENDPOINT: Final = ("project", "region", "endpoint.name", "endpoint.container")


def placeholders(deploy: DeploySettings, target: Target) -> list[str]:
    """Returns the names of settings that the target needs and that stand at an example value.

    An example begins with `example-`, at its start or after a separator. What may not be empty
    counts as well when it is.

    Args:
        deploy: The settings.
        target: Where the pipeline is to run.

    Returns:
        Names such as `deploy.bucket`, in a fixed order.
    """
    needed = list(_NEEDED[target])
    if deploy.push_to == "endpoint":
        needed += [name for name in _FOR_AN_ENDPOINT if name not in needed]
    found = [name for name in needed if not _read(deploy, name) or _is_example(deploy, name)]
    found += [name for name in _OPTIONAL if _is_example(deploy, name)]
    return [f"deploy.{name}" for name in found]


def _read(deploy: DeploySettings, name: str) -> str:
    value: object = deploy
    for part in name.split("."):
        value = getattr(value, part)
    return str(value)


def _is_example(deploy: DeploySettings, name: str) -> bool:
    return _EXAMPLE.search(_read(deploy, name)) is not None
