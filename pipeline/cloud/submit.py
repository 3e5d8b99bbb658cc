"""Submits a compiled pipeline to the platform that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.cloud.submission import Submission
from pipeline.deploy_settings import DeploySettings, Target


def submit(
    spec: Mapping[str, Any],
    deploy: DeploySettings,
    target: Target,
    *,
    parameters: Mapping[str, Any],
    caching: bool,
    dry_run: bool,
) -> Submission:
    """Runs a compiled pipeline once, or on its schedule from now on.

    A new schedule replaces older ones of the same name: they are paused, not deleted.

    Args:
        spec: What `compile_pipeline` returned for this platform.
        deploy: Where it runs, and when; without placeholders (see `missing_settings`).
        target: The platform.
        parameters: Values of the pipeline's parameters; the others keep their defaults.
        caching: Whether steps may be taken from the cache, as far as the compiled pipeline allows;
            otherwise every step runs.
        dry_run: Stop before anything is sent; needs no network and no credentials.

    Raises:
        UsageError: The platform does not take a setting.
        TaggerError: The platform refused, or can't be reached.
    """
    if target == "vertex":
        from pipeline.cloud.submit_vertex import submit_to_vertex as send
    else:
        from pipeline.cloud.submit_kubeflow import submit_to_kubeflow as send
    return send(spec, deploy, parameters, caching=caching, dry_run=dry_run)
