"""Sends a compiled pipeline to the platform that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.cloud.placeholders import placeholders
from pipeline.cloud.submission import Submission, check_parameters
from pipeline.deploy_settings import DeploySettings, Target
from schema.errors import UsageError


def submit(
    spec: Mapping[str, Any],
    deploy: DeploySettings,
    target: Target,
    *,
    parameters: Mapping[str, Any],
    caching: bool,
    dry_run: bool,
) -> Submission:
    """Runs a compiled pipeline once, or by its schedule from now on.

    A schedule takes the place of older ones of the same name: they are paused, not deleted.

    Args:
        spec: The compiled pipeline: a PipelineJob, or the PipelineSpec in one, as JSON.
        deploy: Where it runs, and when.
        target: The platform.
        parameters: Values of the pipeline's parameters; the others keep their defaults.
        caching: Whether steps are taken from the cache where the compiled pipeline allows it;
            otherwise every step runs.
        dry_run: Whether to stop before anything is sent. Needs no network and no credentials.

    Returns:
        What was sent, or would be.

    Raises:
        UsageError: A setting is empty, an example, or not what the platform takes.
        TaggerError: The platform refused, or can't be reached.
    """
    left = placeholders(deploy, target)
    if left:
        raise UsageError(
            f"These settings are examples or empty: {', '.join(left)}. Give your own in the "
            "profile's `deploy` section, or by --set."
        )
    check_parameters(spec, parameters)
    if target == "vertex":
        from pipeline.cloud.submit_vertex import submit_to_vertex as send
    else:
        from pipeline.cloud.submit_kubeflow import submit_to_kubeflow as send
    return send(spec, deploy, parameters, caching=caching, dry_run=dry_run)
