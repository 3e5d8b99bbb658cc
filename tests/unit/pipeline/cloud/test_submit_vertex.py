"""What is sent to Vertex AI: by its own clients, to a server on this machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.cloud.aiplatform.utils import gcs_utils

from pipeline.cloud.submission import Submission
from pipeline.cloud.submit_vertex import submit_to_vertex
from schema.errors import TaggerError, UsageError
from tests.support.compiled_spec import deploy_settings, pipeline_job
from tests.support.http_stand_in import Answer, HttpStandIn
from tests.support.vertex_stand_in import PARENT, PROJECT, TOKEN, point_to, refusal, vertex_stand_in

JOBS, SCHEDULES = f"/v1/{PARENT}/pipelineJobs", f"/v1/{PARENT}/schedules"
CRON = {"schedule": {"cron": "0 3 1 * *", "time_zone": "Europe/Berlin", "most_at_once": 2}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStandIn]:
    with vertex_stand_in(monkeypatch) as server:
        server.on("POST", JOBS, lambda asked: {"name": f"{PARENT}/pipelineJobs/7", **asked.body})
        server.on("POST", SCHEDULES, lambda asked: {**asked.body, "name": f"{PARENT}/schedules/8"})
        server.on("GET", SCHEDULES, {})
        server.on("POST", f"{SCHEDULES}/[0-9]+:pause", {})
        yield server


def send(**changes: Any) -> Submission:
    options = {"parameters": {}, "caching": True, "dry_run": False, "deploy": deploy_settings()}
    options |= changes
    deploy = options.pop("deploy")
    return submit_to_vertex(pipeline_job(), deploy, **options)


def sent(server: HttpStandIn, path: str) -> Any:
    (asked,) = server.asked_for("POST", path)
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    return asked.body


def test_run_is_asked_for_as_it_was_compiled(server: HttpStandIn) -> None:
    parameters = {"input_base": "gs://bucket/other", "custom_config": '{"epochs": 5}'}
    result = send(parameters=parameters)
    (asked,) = server.asked
    job_id = asked.query["pipelineJobId"]
    assert re.fullmatch(r"arxiv-tagger-\d{14}", job_id)
    assert sent(server, JOBS) == {
        "displayName": "arxiv-tagger",
        "pipelineSpec": pipeline_job()["pipelineSpec"],
        "labels": {"tfx_runner": "kubeflow_v2", "team": "papers"},
        "serviceAccount": "runner@my-project.iam.gserviceaccount.com",
        "runtimeConfig": {
            "gcsOutputDirectory": "gs://bucket/tagger/pipeline",
            "parameterValues": parameters,
        },
    }
    assert result.name == f"{PARENT}/pipelineJobs/7"
    assert f"europe-west4/pipelines/runs/{job_id}?project={PROJECT}" in result.url


@pytest.mark.parametrize(("caching", "expected"), [(True, [True, None]), (False, [False, False])])
def test_caching_never_reaches_further_than_the_compiler_said(
    server: HttpStandIn, caching: bool, expected: list[bool | None]
) -> None:
    send(caching=caching)
    tasks = sent(server, JOBS)["pipelineSpec"]["root"]["dag"]["tasks"]
    found = [tasks[name].get("cachingOptions") for name in ("CsvExampleGen", "LastBlessedModel")]
    assert found == [None if each is None else {"enableCache": each} for each in expected]


def test_schedule_is_asked_for_with_the_same_job(server: HttpStandIn) -> None:
    send(parameters={"input_base": "gs://x"})
    job = sent(server, JOBS)
    # The schedule gives its runs names.
    del job["displayName"]
    result = send(parameters={"input_base": "gs://x"}, deploy=deploy_settings(**CRON))
    assert sent(server, SCHEDULES) == {
        "displayName": "arxiv-tagger",
        "cron": "TZ=Europe/Berlin 0 3 1 * *",
        "maxConcurrentRunCount": "2",
        "createPipelineJobRequest": {"parent": PARENT, "pipelineJob": job},
    }
    assert (result.name, result.paused) == (f"{PARENT}/schedules/8", ())
    assert f"pipelines/schedules/8?project={PROJECT}" in result.url
    assert len(server.asked_for("POST", JOBS)) == 1


def test_new_schedule_takes_the_place_of_older_ones(server: HttpStandIn) -> None:
    server.on(
        "GET", SCHEDULES, {"schedules": [{"name": f"{PARENT}/schedules/{n}"} for n in (3, 5)]}
    )
    result = send(deploy=deploy_settings(**CRON))
    assert result.paused == (f"{PARENT}/schedules/3", f"{PARENT}/schedules/5")
    (listed,) = server.asked_for("GET", SCHEDULES)
    assert listed.query["filter"] == 'display_name="arxiv-tagger" AND state="ACTIVE"'
    posted = [asked.path.rpartition("/")[2] for asked in server.asked if asked.method == "POST"]
    # Never a time without one.
    assert posted == ["schedules", "3:pause", "5:pause"]


def test_failure_to_pause_says_that_the_new_one_is_there(server: HttpStandIn) -> None:
    server.on("GET", SCHEDULES, {"schedules": [{"name": f"{PARENT}/schedules/3"}]})
    server.on("POST", ".*:pause", refusal(403, "PERMISSION_DENIED", "not yours"))
    with pytest.raises(TaggerError, match=r"older schedule .*/3 \(.*/8 is active\).*not yours"):
        send(deploy=deploy_settings(**CRON))


@pytest.mark.parametrize("changes", [{}, CRON])
def test_a_dry_run_asks_for_no_credentials_and_sends_nothing(
    server: HttpStandIn, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(google.auth, "default", lambda **_: pytest.fail("asked for credentials"))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("opened a connection"))
    dry = send(deploy=deploy_settings(**changes), dry_run=True, parameters={"input_base": "gs://x"})
    assert server.asked == []
    assert re.fullmatch("arxiv-tagger" if changes else r"arxiv-tagger-\d{14}", dry.name)
    assert dry.url == ""


def test_a_missing_bucket_is_not_created(
    server: HttpStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As PipelineJob.submit would, whatever its name."""
    monkeypatch.setattr(gcs_utils.storage, "Client", lambda **_: pytest.fail("asked for a bucket"))
    for changes in ({}, CRON):
        send(deploy=deploy_settings(**changes))


@pytest.mark.parametrize(
    ("path", "answer", "kind", "message"),
    [
        (JOBS, refusal(401, "UNAUTHENTICATED", "old token"), TaggerError, "gcloud auth"),
        (SCHEDULES, refusal(403, "PERMISSION_DENIED", "no right"), TaggerError, "no right"),
        (JOBS, refusal(404, "NOT_FOUND", "no bucket"), UsageError, r"no bucket.*`deploy` section"),
        (SCHEDULES, refusal(400, "INVALID_ARGUMENT", "bad cron"), UsageError, "bad cron"),
        (JOBS, refusal(429, "RESOURCE_EXHAUSTED", "quota"), TaggerError, "quota"),
        (JOBS, refusal(503, "UNAVAILABLE", "later"), TaggerError, r"can't be reached \(.*later"),
        (JOBS, refusal(500, "INTERNAL", "oh no"), TaggerError, "oh no"),
    ],
)
def test_a_refusal_is_quoted_in_one_line(
    server: HttpStandIn, path: str, answer: Answer, kind: type[TaggerError], message: str
) -> None:
    server.on("POST", path, answer)
    deploy = deploy_settings(**(CRON if path == SCHEDULES else {}))
    where = f"project {PROJECT}, region europe-west4"
    with pytest.raises(TaggerError, match=f"{where}.*{message}") as raised:
        send(deploy=deploy)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    # Once: a request that creates something is not repeated.
    assert len(server.asked_for("POST", path)) == 1


def test_what_is_wrong_before_anything_is_sent(
    server: HttpStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="region atlantis: Unsupported region for Vertex AI"):
        send(deploy=deploy_settings(region="atlantis"))
    with pytest.raises(UsageError, match="epoch is not found"):
        send(parameters={"epoch": 3})
    for cron in ("0 3 1 *", "TZ=UTC 0 3 1 * *"):
        with pytest.raises(UsageError, match="five fields"):
            send(deploy=deploy_settings(schedule={"cron": cron}))

    def no_credentials(**_: Any) -> None:
        raise DefaultCredentialsError("none found")

    monkeypatch.setattr(google.auth, "default", no_credentials)
    with pytest.raises(TaggerError, match=r"none found.*gcloud auth application-default login"):
        send()
    assert server.asked == []


@pytest.mark.parametrize("transport", ["rest", "grpc"])
def test_a_service_that_is_not_there(server: HttpStandIn, transport: str) -> None:
    url = "http://127.0.0.1:9" if transport == "rest" else "127.0.0.1:9"
    point_to(url, transport)
    with pytest.raises(TaggerError, match=r"start the pipeline.*can't be reached.*proxy"):
        send()
