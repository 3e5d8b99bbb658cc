"""Sends a compiled pipeline to Kubeflow Pipelines.

How a person signs in is up to the kfp library: a token of Google Cloud for a host below
`googleusercontent.com`, the Identity-Aware Proxy by its environment variables, a cookie by kfp's
own file of settings. Its API has no labels for runs, so `deploy.labels` are not sent.
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

from pipeline.cloud.submission import (
    Submission,
    display_name,
    inner_spec,
    machine_name,
    package_file,
    pipeline_root,
    read_cron,
)
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
    """Starts a run, or makes a recurring one where there is a schedule; see `submit`."""
    name = display_name(spec)
    cron = _read_cron(deploy.schedule) if deploy.schedule.cron else None
    moment = datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S")
    request: dict[str, Any] = {
        "display_name": name if cron else f"{machine_name(name)}-{moment}",
        "pipeline_spec": _pipeline(spec, caching),
        "runtime_config": {
            "pipeline_root": pipeline_root(spec, deploy),
            "parameters": {
                **spec.get("runtimeConfig", {}).get("parameterValues", {}),
                **parameters,
            },
        },
    }
    if deploy.service_account:
        request["service_account"] = deploy.service_account
    if cron:
        request |= {
            "trigger": {"cron_schedule": {"cron": cron}},
            "max_concurrency": deploy.schedule.most_at_once,
            "mode": "ENABLE",
            # Runs that were missed would all train on the same data.
            "no_catchup": True,
        }
    if dry_run:
        return Submission(request["display_name"], "", request)
    with package_file(request["pipeline_spec"]) as path, _clear_errors(deploy.host):
        client = _connect(deploy)
        experiment = client.create_experiment(name, namespace=deploy.namespace or None)
        if not experiment.experiment_id:
            # A page for signing in comes as an answer like any other.
            raise TaggerError(_strange(deploy.host))
        send = _recur if cron else _run
        return send(client, experiment.experiment_id, request, path, deploy)


def _pipeline(spec: Mapping[str, Any], caching: bool) -> dict[str, Any]:
    """Returns the pipeline; what the compiler leaves uncached is so in any case."""
    pipeline: dict[str, Any] = json.loads(json.dumps(inner_spec(spec)))
    if not caching:
        for task in pipeline["root"]["dag"]["tasks"].values():
            task["cachingOptions"] = {"enableCache": False}
    return pipeline


def _read_cron(schedule: ScheduleSettings) -> str:
    """Returns the schedule with seconds in front, as Kubeflow has it.

    Raises:
        UsageError: It has not five fields, or another time zone than UTC.
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
        """Asks once whether the service is well; kfp asks five times and drops the reason."""

        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            return self._healthz_api.get_healthz(_request_timeout=_TIMEOUT_S)

    # kfp takes its default for "no namespace".
    return Client(host=deploy.host, namespace=deploy.namespace or "kubeflow")


def _run(
    client: Any, experiment: str, request: dict[str, Any], path: str, deploy: DeploySettings
) -> Submission:
    made = client.create_run_from_pipeline_package(
        path,
        arguments=request["runtime_config"]["parameters"],
        run_name=request["display_name"],
        experiment_id=experiment,
        pipeline_root=request["runtime_config"]["pipeline_root"],
        service_account=request.get("service_account"),
    )
    return Submission(made.run_id, _page(deploy, f"runs/details/{made.run_id}"), request)


def _recur(
    client: Any, experiment: str, request: dict[str, Any], path: str, deploy: DeploySettings
) -> Submission:
    older = list(_find_active(client, experiment, request["display_name"]))
    made = client.create_recurring_run(
        experiment,
        request["display_name"],
        cron_expression=request["trigger"]["cron_schedule"]["cron"],
        max_concurrency=request["max_concurrency"],
        no_catchup=request["no_catchup"],
        params=request["runtime_config"]["parameters"],
        pipeline_package_path=path,
        pipeline_root=request["runtime_config"]["pipeline_root"],
        service_account=request.get("service_account"),
    )
    for old in older:
        client.disable_recurring_run(old)
    page = _page(deploy, f"recurringrun/details/{made.recurring_run_id}")
    return Submission(made.recurring_run_id, page, request, tuple(older))


def _find_active(client: Any, experiment: str, name: str) -> Iterator[str]:
    """Yields the recurring runs of a name that are switched on."""
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
    """Turns an error of kfp into one that says what to do, and keeps what it prints to itself."""
    import kfp_server_api
    import urllib3
    from google.auth.exceptions import GoogleAuthError

    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except kfp_server_api.ApiException as error:
        raise _refusal(host, error) from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise TaggerError(
            f"Kubeflow Pipelines at {host} can't be reached ({reason}). Check deploy.host, and "
            "whether the network or a `kubectl port-forward` leads there."
        ) from error
    except GoogleAuthError as error:
        raise TaggerError(
            f"Found no credentials for Kubeflow Pipelines at {host}: {error} Run `gcloud auth "
            "application-default login`."
        ) from error
    except ValueError as error:
        raise TaggerError(f"Kubeflow Pipelines at {host}: {error}") from error


def _refusal(host: str, error: Any) -> TaggerError:
    """Returns what an answer with an HTTP status of 400 or more means."""
    try:
        answer = json.loads(error.body or "")
        reason = answer.get("error") or answer.get("message") or error.reason
    except (ValueError, AttributeError):
        reason = error.reason
    said = f"Kubeflow Pipelines at {host} refused ({error.status}: {reason})."
    if error.status in (401, 403):
        return TaggerError(
            f"{said} Sign in as kfp needs it there, set deploy.namespace to your own, or ask for "
            "the right to start runs in it."
        )
    if error.status == 404:
        return UsageError(
            f"{said} deploy.host should be the address under which /apis/v2beta1 lies, as in "
            "https://host/pipeline, and the installation 2.0 or later."
        )
    if error.status == 400:
        return UsageError(f"{said} Change what it names in the profile's `deploy` section.")
    return TaggerError(f"{said} Run again later, or see its log.")


def _strange(host: str) -> str:
    return (
        f"{host} answers, and not as Kubeflow Pipelines does: that may be a page for signing in. "
        "Check deploy.host, and sign in as kfp needs it there."
    )
