"""What is sent to Kubeflow Pipelines: by the kfp library, to a server on this machine."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kfp
import pytest

from pipeline.cloud.submission import Submission
from pipeline.cloud.submit_kubeflow import submit_to_kubeflow
from schema.errors import TaggerError, UsageError
from tests.support.compiled_spec import deploy_settings, pipeline_spec
from tests.support.http_stand_in import Answer, HttpStandIn

API = "/apis/v2beta1"
CRON = {"schedule": {"cron": "0 3 1 * *", "most_at_once": 2}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HttpStandIn]:
    # What a person keeps for kfp at home is no part of a test.
    monkeypatch.setattr(kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with HttpStandIn() as server:
        server.on("GET", f"{API}/healthz", {"multi_user": False})
        server.on("GET", f"{API}/experiments", {})
        server.on("POST", f"{API}/experiments", {"experiment_id": "e1"})
        server.on("POST", f"{API}/runs", {"run_id": "r1"})
        server.on("GET", f"{API}/recurringruns", {})
        server.on("POST", f"{API}/recurringruns", {"recurring_run_id": "c1"})
        server.on("POST", f"{API}/recurringruns/.*:disable", {})
        yield server


def send(server: HttpStandIn, **changes: Any) -> Submission:
    options = {"parameters": {}, "caching": True, "dry_run": False, **changes}
    deploy = deploy_settings(**{"host": server.url, **options.pop("deploy", {})})
    return submit_to_kubeflow(pipeline_spec(), deploy, **options)


def sent(server: HttpStandIn, path: str) -> Any:
    (asked,) = server.asked_for("POST", f"{API}/{path}")
    return asked.body


def test_run_is_asked_for_as_it_was_compiled(server: HttpStandIn, capsys: Any) -> None:
    result = send(server, parameters={"input_base": "gs://bucket/other"})
    body = sent(server, "runs")
    assert re.fullmatch(r"arxiv-tagger-\d{14}", body.pop("display_name"))
    assert body == {
        "experiment_id": "e1",
        "pipeline_spec": pipeline_spec(),
        "runtime_config": {
            "parameters": {"input_base": "gs://bucket/other"},
            "pipeline_root": "gs://bucket/tagger/pipeline",
        },
        "service_account": "runner@my-project.iam.gserviceaccount.com",
    }
    assert sent(server, "experiments") == {"display_name": "arxiv-tagger", "namespace": ""}
    assert (result.name, result.url) == ("r1", f"{server.url}/#/runs/details/r1")
    # kfp would print addresses of its own.
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("caching", "expected"), [(True, [True, None]), (False, [False, False])])
def test_caching_never_reaches_further_than_the_compiler_said(
    server: HttpStandIn, caching: bool, expected: list[bool | None]
) -> None:
    send(server, caching=caching)
    tasks = sent(server, "runs")["pipeline_spec"]["root"]["dag"]["tasks"]
    found = [tasks[name].get("cachingOptions") for name in ("CsvExampleGen", "LastBlessedModel")]
    # Of a message, false is the default, and is left out.
    meant = {True: {"enableCache": True}, False: {}, None: None}
    assert found == [meant[each] for each in expected]


def test_schedule_is_a_recurring_run(server: HttpStandIn) -> None:
    result = send(server, parameters={"input_base": "gs://x"}, deploy=CRON)
    assert sent(server, "recurringruns") == {
        "display_name": "arxiv-tagger",
        "experiment_id": "e1",
        # Seconds come first here.
        "trigger": {"cron_schedule": {"cron": "0 0 3 1 * *"}},
        "max_concurrency": 2,
        "mode": "ENABLE",
        "no_catchup": True,
        "pipeline_spec": pipeline_spec(),
        "runtime_config": {
            "parameters": {"input_base": "gs://x"},
            "pipeline_root": "gs://bucket/tagger/pipeline",
        },
        "service_account": "runner@my-project.iam.gserviceaccount.com",
    }
    assert (result.name, result.paused) == ("c1", ())
    assert result.url == f"{server.url}/#/recurringrun/details/c1"
    assert server.asked_for("POST", f"{API}/runs") == []


def test_new_schedule_takes_the_place_of_older_ones(server: HttpStandIn) -> None:
    runs = [
        {"recurring_run_id": "old", "display_name": "arxiv-tagger", "status": "ENABLED"},
        {"recurring_run_id": "off", "display_name": "arxiv-tagger", "status": "DISABLED"},
        {"recurring_run_id": "other", "display_name": "another", "status": "ENABLED"},
        {"recurring_run_id": "older", "display_name": "arxiv-tagger", "status": "ENABLED"},
    ]
    server.on(
        "GET",
        f"{API}/recurringruns",
        lambda asked: (
            {"recurringRuns": runs[2:]}
            if asked.query.get("page_token")
            else {"recurringRuns": runs[:2], "next_page_token": "2"}
        ),
    )
    result = send(server, deploy=CRON)
    assert result.paused == ("old", "older")
    posted = [asked.path.removeprefix(API) for asked in server.asked if asked.method == "POST"]
    assert posted[1:] == [
        "/recurringruns",
        "/recurringruns/old:disable",
        "/recurringruns/older:disable",
    ]
    assert {
        asked.query["experiment_id"] for asked in server.asked_for("GET", ".*/recurringruns")
    } == {"e1"}


def test_namespace_of_a_user(server: HttpStandIn) -> None:
    server.on("GET", f"{API}/experiments", {"experiments": [{"experiment_id": "mine"}]})
    send(server, deploy={"namespace": "team-a"})
    (listed,) = server.asked_for("GET", f"{API}/experiments")
    assert listed.query["namespace"] == "team-a"
    assert sent(server, "runs")["experiment_id"] == "mine"


@pytest.mark.parametrize("changes", [{}, CRON])
def test_a_dry_run_sends_nothing(
    server: HttpStandIn, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("opened a connection"))
    dry = send(server, deploy=changes, dry_run=True, parameters={"input_base": "gs://x"})
    assert server.asked == []
    assert re.fullmatch("arxiv-tagger" if changes else r"arxiv-tagger-\d{14}", dry.name)
    assert dry.url == ""


@pytest.mark.parametrize(
    ("where", "answer", "kind", "message"),
    [
        ("healthz", (401, {"error": "who are you"}), TaggerError, "401: who are you.*signed in"),
        ("experiments", (403, {"error": "not yours"}), TaggerError, r"403: not yours.*namespace"),
        ("healthz", (404, "no such page"), UsageError, r"404: Not Found.*deploy\.host"),
        ("runs", (400, {"error": "no spec"}), UsageError, "400: no spec"),
        ("runs", (500, {"message": "oh no"}), TaggerError, "500: oh no"),
    ],
)
def test_a_refusal_is_quoted_in_one_line(
    server: HttpStandIn, where: str, answer: Answer, kind: type[TaggerError], message: str
) -> None:
    server.on("POST" if where == "runs" else "GET", f"{API}/{where}", answer)
    with pytest.raises(TaggerError, match=f"{server.url} refused.*{message}") as raised:
        send(server)
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    assert server.asked_for("POST", f"{API}/runs") == [] or where == "runs"


def test_a_login_page_is_no_answer(server: HttpStandIn) -> None:
    for method in ("GET", "POST"):
        server.on(method, ".*", (200, "<html>Sign in</html>"))
    with pytest.raises(TaggerError, match=r"not as Kubeflow Pipelines.*login page.*signed in"):
        send(server)


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "http://nowhere.invalid"])
def test_a_service_that_is_not_there(server: HttpStandIn, host: str) -> None:
    with pytest.raises(TaggerError, match=rf"{host} can't be used.*deploy\.host"):
        send(server, deploy={"host": host})


def test_a_wrong_schedule_is_refused_before_anything_is_sent(server: HttpStandIn) -> None:
    zone = {"cron": "0 3 1 * *", "time_zone": "Europe/Berlin"}
    with pytest.raises(UsageError, match=r"Europe/Berlin.*CRON_SCHEDULE_TIMEZONE"):
        send(server, deploy={"schedule": zone})
    with pytest.raises(UsageError, match="five fields"):
        send(server, deploy={"schedule": {"cron": "0 0 3 1 * *"}})
    assert server.asked == []
