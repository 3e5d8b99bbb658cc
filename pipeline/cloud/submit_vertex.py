"""Submits a compiled pipeline to Vertex AI Pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

from components.pusher.google_cloud import default_credentials, google_errors
from pipeline.cloud.submission import Submission, package_file, read_cron
from pipeline.deploy_settings import DeploySettings

if TYPE_CHECKING:
    from google.cloud import aiplatform

_CONSOLE: Final = "https://console.cloud.google.com/vertex-ai"
_TIMEOUT_S: Final = 120.0


def submit_to_vertex(
    spec: Mapping[str, Any],
    deploy: DeploySettings,
    parameters: Mapping[str, Any],
    *,
    caching: bool,
    dry_run: bool,
) -> Submission:
    """Runs a compiled pipeline once, or on its schedule from now on.

    A new schedule replaces older ones of the same name: they are paused, not deleted.

    Args:
        spec: What `compile_pipeline` returned for this platform.
        deploy: Where it runs, and when; without placeholders (see `missing_settings`).
        parameters: Values of the pipeline's parameters; the others keep their defaults.
        caching: Whether steps may be taken from the cache, as far as the compiled pipeline allows.
        dry_run: Stop before anything is sent; needs no network and no credentials.

    Raises:
        UsageError: The platform does not take a setting.
        TaggerError: The platform refused, or can't be reached.
    """
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform

    cron = read_cron(deploy.schedule) if deploy.schedule.cron else ""
    with package_file(spec) as path, _errors("prepare the pipeline", deploy):
        place: dict[str, Any] = {
            "project": deploy.project,
            "location": deploy.region,
            # A job can't be made without credentials, even if it is not sent.
            "credentials": AnonymousCredentials()  # type: ignore[no-untyped-call]
            if dry_run
            else default_credentials(),
        }
        job = aiplatform.PipelineJob(
            display_name=spec["displayName"],
            template_path=path,
            parameter_values=dict(parameters),
            # True would cache every step, also those that the compiler excludes: a resolver would
            # find the same last model forever.
            enable_caching=None if caching else False,
            labels=spec["labels"],
            **place,
        )
    if dry_run:
        return Submission(spec["displayName"] if cron else job.job_id)
    if cron:
        return _schedule(job, cron, spec["displayName"], deploy, place)
    return _run(job, spec, deploy)


def _run(
    job: aiplatform.PipelineJob, spec: Mapping[str, Any], deploy: DeploySettings
) -> Submission:
    """Starts a run.

    PipelineJob.submit would send the same, but first creates the bucket if it does not exist: a
    misspelled name would make a run write to a bucket that nobody meant.
    """
    from google.cloud.aiplatform_v1 import types

    with _errors("start the pipeline", deploy):
        run = job.api_client.create_pipeline_job(
            parent=f"projects/{deploy.project}/locations/{deploy.region}",
            pipeline_job=types.PipelineJob(
                display_name=spec["displayName"],
                pipeline_spec=job.pipeline_spec,
                runtime_config=job.runtime_config,
                labels=spec["labels"],
                service_account=deploy.service_account,
            ),
            pipeline_job_id=job.job_id,
            timeout=_TIMEOUT_S,
        )
    return Submission(run.name, _page(deploy, f"runs/{job.job_id}"))


def _schedule(
    job: aiplatform.PipelineJob,
    cron: str,
    name: str,
    deploy: DeploySettings,
    place: Mapping[str, Any],
) -> Submission:
    from google.cloud import aiplatform

    with _errors("create the schedule", deploy):
        older = aiplatform.PipelineJobSchedule.list(
            filter=f'display_name="{name}" AND state="ACTIVE"', **place
        )
        schedule = aiplatform.PipelineJobSchedule(job, name, **place)
        schedule.create(
            cron=f"TZ={deploy.schedule.time_zone} {cron}",
            max_concurrent_run_count=deploy.schedule.most_at_once,
            service_account=deploy.service_account,
            create_request_timeout=_TIMEOUT_S,
        )
    made = schedule.resource_name
    for old in older:
        with _errors(f"pause the older schedule {old.resource_name} ({made} is active)", deploy):
            old.pause()
    page = _page(deploy, f"schedules/{made.rpartition('/')[2]}")
    return Submission(made, page, tuple(old.resource_name for old in older))


def _errors(action: str, deploy: DeploySettings) -> AbstractContextManager[None]:
    return google_errors(action, deploy.project, deploy.region)


def _page(deploy: DeploySettings, what: str) -> str:
    return f"{_CONSOLE}/locations/{deploy.region}/pipelines/{what}?project={deploy.project}"
