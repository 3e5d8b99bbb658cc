"""Sends a compiled pipeline to Vertex AI Pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from components.pusher.google_cloud import check_region, clear_errors, find_credentials
from pipeline.cloud.submission import (
    Submission,
    display_name,
    package_file,
    pipeline_root,
    read_cron,
)
from pipeline.deploy_settings import DeploySettings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud import aiplatform
    from google.cloud.aiplatform_v1 import types

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
    """Starts a run, or makes a schedule where there is one; see `submit`."""
    from google.auth.credentials import AnonymousCredentials

    check_region(deploy.region)
    # A job can't be made without credentials; these are nobody's.
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    credentials = nobody if dry_run else find_credentials()
    job = _make_job(spec, deploy, parameters, caching, credentials)
    if deploy.schedule.cron:
        return _schedule(spec, deploy, job, dry_run)
    return _run(spec, deploy, job, dry_run)


def _make_job(
    spec: Mapping[str, Any],
    deploy: DeploySettings,
    parameters: Mapping[str, Any],
    caching: bool,
    credentials: Credentials,
) -> aiplatform.PipelineJob:
    from google.cloud import aiplatform

    with package_file(spec) as path:
        return aiplatform.PipelineJob(
            display_name=display_name(spec),
            template_path=path,
            pipeline_root=pipeline_root(spec, deploy),
            parameter_values=dict(parameters),
            # True would cache every step, also those that the compiler leaves out: a resolver
            # would find the same last model for ever.
            enable_caching=None if caching else False,
            labels=_labels(spec, deploy),
            credentials=credentials,
            project=deploy.project,
            location=deploy.region,
        )


def _labels(spec: Mapping[str, Any], deploy: DeploySettings) -> dict[str, str]:
    return {**spec.get("labels", {}), **deploy.labels}


def _message(
    spec: Mapping[str, Any], deploy: DeploySettings, job: aiplatform.PipelineJob
) -> types.PipelineJob:
    """Returns the job as it is sent.

    PipelineJob.submit would send the same, but first makes the bucket where it does not exist:
    with a slip of the pen in its name, a run would write to a bucket that nobody meant.
    """
    from google.cloud.aiplatform_v1 import types

    return types.PipelineJob(
        display_name=display_name(spec),
        pipeline_spec=job.pipeline_spec,
        runtime_config=job.runtime_config,
        labels=_labels(spec, deploy),
        service_account=deploy.service_account,
    )


def _run(
    spec: Mapping[str, Any], deploy: DeploySettings, job: aiplatform.PipelineJob, dry_run: bool
) -> Submission:
    from google.cloud.aiplatform_v1 import types

    request = types.CreatePipelineJobRequest(
        parent=_parent(deploy),
        pipeline_job=_message(spec, deploy, job),
        pipeline_job_id=job.job_id,
    )
    as_json = _to_json(request)
    if dry_run:
        return Submission(job.job_id, "", as_json)
    with clear_errors("start the pipeline", deploy.project, deploy.region):
        made = job.api_client.create_pipeline_job(request=request, timeout=_TIMEOUT_S)
    return Submission(made.name, _page(deploy, f"runs/{job.job_id}"), as_json)


def _schedule(
    spec: Mapping[str, Any], deploy: DeploySettings, job: aiplatform.PipelineJob, dry_run: bool
) -> Submission:
    from google.cloud import aiplatform
    from google.cloud.aiplatform_v1 import types

    name = display_name(spec)
    place: dict[str, Any] = {
        "project": deploy.project,
        "location": deploy.region,
        "credentials": job.credentials,
    }
    request = types.CreateScheduleRequest(
        parent=_parent(deploy),
        schedule=types.Schedule(
            display_name=name,
            cron=f"TZ={deploy.schedule.time_zone} {read_cron(deploy.schedule)}",
            max_concurrent_run_count=deploy.schedule.most_at_once,
            create_pipeline_job_request=types.CreatePipelineJobRequest(
                parent=_parent(deploy), pipeline_job=_message(spec, deploy, job)
            ),
        ),
    )
    as_json = _to_json(request)
    if dry_run:
        return Submission(name, "", as_json)
    schedule = aiplatform.PipelineJobSchedule(pipeline_job=job, display_name=name, **place)
    with clear_errors("look for older schedules", deploy.project, deploy.region):
        older = aiplatform.PipelineJobSchedule.list(
            filter=f'display_name="{name}" AND state="ACTIVE"', **place
        )
    with clear_errors("make the schedule", deploy.project, deploy.region):
        made = schedule.api_client.create_schedule(request=request, timeout=_TIMEOUT_S)
    for old in older:
        action = f"pause the older schedule {old.resource_name} ({made.name} is active)"
        with clear_errors(action, deploy.project, deploy.region):
            old.pause()
    return Submission(
        made.name,
        _page(deploy, f"schedules/{made.name.rpartition('/')[2]}"),
        as_json,
        tuple(old.resource_name for old in older),
    )


def _parent(deploy: DeploySettings) -> str:
    return f"projects/{deploy.project}/locations/{deploy.region}"


def _page(deploy: DeploySettings, what: str) -> str:
    return f"{_CONSOLE}/locations/{deploy.region}/pipelines/{what}?project={deploy.project}"


def _to_json(request: Any) -> dict[str, Any]:
    from google.protobuf import json_format

    converted: dict[str, Any] = json_format.MessageToDict(type(request).pb(request))
    return converted
