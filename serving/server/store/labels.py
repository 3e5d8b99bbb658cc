"""Version labels: names such as `stable` for versions of a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from serving.server.config import ModelConfig
from serving.server.errors import failed_precondition

Labels = Mapping[str, Mapping[str, int]]


def assign_labels(
    models: Iterable[ModelConfig],
    available: Mapping[str, Collection[int]],
    current: Labels,
    allow_unavailable: bool = False,
) -> Labels:
    """Returns the labels that a configuration gives, as UpdateModelVersionLabelMap does it.

    Args:
        models: The configuration.
        available: For each model the versions that serve.
        current: For each model its labels until now.
        allow_unavailable: Whether a label that is new, or stays where it is, may point to a
            version that does not serve (`--allow_version_labels_for_unavailable_models`).

    Returns:
        For each model the version of each label.

    Raises:
        ServingError: FAILED_PRECONDITION: a label's version does not serve.

    Source: TF Serving's model_servers/server_core.cc.
    """
    labels = {model.name: dict(model.labels) for model in models}
    for name, versions in labels.items():
        for label, version in versions.items():
            stays = current.get(name, {}).get(label, version) == version
            if version not in available.get(name, ()) and not (allow_unavailable and stays):
                raise failed_precondition(
                    f"Request to assign label to version {version} of model {name}, "
                    "which is not currently available for inference"
                )
    return labels
