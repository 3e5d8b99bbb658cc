"""Submits a compiled pipeline to Kubeflow Pipelines.

The kfp library signs in: with a token of Google Cloud for a host below `googleusercontent.com`,
with the Identity-Aware Proxy by its environment variables, or with a cookie from kfp's own settings
file. Its API has no labels for runs, so `deploy.labels` are not sent.
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Final

from pipeline.cloud.submission import Submission, package_file, read_cron
from pipeline.deploy_settings import DeploySettings, ScheduleSettings
from schema.errors import TaggerError, UsageError

_TIMEOUT_S: Final = 30
_PAGE_SIZE: Final = 100


def submit_to_kubeflow(
    spec: Mapping[str, Any],
    deploy: DeploySettings,
    parameters: Mapping[str, Any],
    *,
    caching: bool,
    dry_run: bool,
) -> Submission:
    """Does for Kubeflow Pipelines what `submit_to_vertex` does for Vertex AI."""
    name = spec["pipelineInfo"]["name"]
    run_name = f"{name}-{datetime.now(timezone.utc):%Y%m%d%H%M%S}"
    cron = _read_cron(deploy.schedule) if deploy.schedule.cron else ""
    if dry_run:
        return Submission(name if cron else run_name)
    options = {
        "pipeline_root": spec["defaultPipelineRoot"],
        # True would cache every step, also those that the compiler excludes.
        "enable_caching": None if caching else False,
        "service_account": deploy.service_account or None,
    }
    with package_file(spec) as path, _clear_errors(deploy.host):
        client = _connect(deploy)
        experiment = client.create_experiment(name, namespace=deploy.namespace or None)
        if not experiment.experiment_id:
            raise ValueError("it answers, but not as Kubeflow Pipelines, perhaps with a login page")
        if not cron:
            run = client.create_run_from_pipeline_package(
                path,
                arguments=dict(parameters),
                run_name=run_name,
                experiment_id=experiment.experiment_id,
                **options,
            )
            return Submission(run.run_id, _page(deploy, f"runs/details/{run.run_id}"))
        older = tuple(_active_schedules(client, experiment.experiment_id, name))
        schedule = client.create_recurring_run(
            experiment.experiment_id,
            name,
            cron_expression=cron,
            max_concurrency=deploy.schedule.most_at_once,
            # Missed runs would all train on the same data.
            no_catchup=True,
            params=dict(parameters),
            pipeline_package_path=path,
            **options,
        )
        for old in older:
            client.disable_recurring_run(old)
        made = schedule.recurring_run_id
        return Submission(made, _page(deploy, f"recurringrun/details/{made}"), older)


def _read_cron(schedule: ScheduleSettings) -> str:
    """Returns the schedule as Kubeflow takes it, with seconds in front.

    Raises:
        UsageError: It has not five fields, or a time zone other than UTC.
    """
    if schedule.time_zone != "UTC":
        raise UsageError(
            f"deploy.schedule.time_zone is {schedule.time_zone}, and Kubeflow Pipelines takes no "
            "time zone with a schedule: its own is UTC, unless its installation sets "
            "CRON_SCHEDULE_TIMEZONE. Give the hours in that, and UTC here."
        )
    return f"0 {read_cron(schedule)}"


def _connect(deploy: DeploySettings) -> Any:
    import kfp

    class Client(kfp.Client):
        """Asks once whether the service is healthy; kfp asks five times and drops the reason."""

        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            api = self._healthz_api
            # Its name in kfp 2.16, and in older ones.
            ask = getattr(api, "healthz_service_get_healthz", None) or api.get_healthz
            return ask(_request_timeout=_TIMEOUT_S)

    # "kubeflow" is kfp's word for no namespace.
    return Client(host=deploy.host, namespace=deploy.namespace or "kubeflow")


def _active_schedules(client: Any, experiment: str, name: str) -> Iterator[str]:
    """Yields the ids of the enabled recurring runs of a name."""
    token = ""
    while True:
        page = client.list_recurring_runs(
            page_token=token, page_size=_PAGE_SIZE, experiment_id=experiment
        )
        for run in page.recurring_runs or []:
            if run.display_name == name and run.status == "ENABLED":
                yield run.recurring_run_id
        token = page.next_page_token or ""
        if not token:
            return


def _page(deploy: DeploySettings, what: str) -> str:
    return f"{deploy.host.rstrip('/')}/#/{what}"


@contextmanager
def _clear_errors(host: str) -> Iterator[None]:
    """Turns an error of kfp into one that says what to do, and silences what kfp prints."""
    import kfp_server_api
    import urllib3
    from google.auth.exceptions import GoogleAuthError

    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        wrong_request = error.status in (400, 404)
        raise (UsageError if wrong_request else TaggerError)(
            f"Kubeflow Pipelines at {host} refused ({error.status}: {_reason(error)}). Check "
            "deploy.host, deploy.namespace, and that you are signed in as kfp needs it there."
        ) from error
    except (urllib3.exceptions.HTTPError, GoogleAuthError, OSError, ValueError) as error:
        raise TaggerError(
            f"Kubeflow Pipelines at {host} can't be used ({getattr(error, 'reason', None) or error}"
            "). Check deploy.host, whether the network or a `kubectl port-forward` leads there, "
            "and that you are signed in as kfp needs it there."
        ) from error


def _reason(error: Any) -> str:
    """Returns the service's message alone: the headers of an answer may hold a cookie."""
    try:
        answer = json.loads(error.body or "")
        return str(answer.get("error") or answer.get("message") or error.reason)
    except (ValueError, AttributeError):
        return str(error.reason)
