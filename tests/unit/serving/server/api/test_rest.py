"""The REST API of a server, as far as the contract tests can't show it."""

import json
import logging
import re
import socket

import httpx
import pytest

from tests.support.model_store import until
from tests.support.running_server import RunningServer, running, two_models

HALF = "/v1/models/half"
TAGGER = "/v1/models/tagger"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(two_models(tmp_path_factory.mktemp("models"))) as server:
        yield server


@pytest.fixture(scope="module")
def http(server: RunningServer):
    with httpx.Client(base_url=server.rest_url, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def _still_answers(http):
    yield
    response = http.post(f"{HALF}:predict", json={"instances": [1.0, 2.0]})
    assert response.json() == {"predictions": [3.5, 4.0]}


def error(response: httpx.Response, status: int) -> str:
    """The message of an error, which is nothing but an object with the key `error`."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["error"]
    return response.json()["error"]


def test_paths(http):
    assert error(http.post(f"{HALF}:predict?verbose=1", content=b"{}"), 400) == (
        f"Malformed request: POST {HALF}:predict?verbose=1"
    )
    assert http.head(HALF).status_code == 400
    for number, status in (("9" * 5000, 400), ("0" * 5000 + "1", 200)):
        assert http.get(f"{HALF}/versions/{number}").status_code == status
    named = http.post("/v1/models/n%C3%B6:predict", content=b'{"instances": [1]}')
    assert error(named, 404) == "Servable not found for request: Latest(nö)"


@pytest.mark.parametrize(
    "body", [b'{"examples": [{"\xff": 1.0}]}', b'{"signature_name": "\xff", "examples": [{}]}']
)
def test_names_must_be_utf_8(http, body):
    assert "not UTF-8" in error(http.post(f"{HALF}:classify", content=body), 400)


def test_many_examples(http):
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": x / 2} for x in range(10_000)]}
    found = http.post(f"{HALF}/versions/1:regress", json=body).json()
    assert found == {"results": [x / 4 + 2 for x in range(10_000)]}


def test_a_client_that_hangs_up_leaves_nothing_behind(server, caplog):
    state = server.server._rest.server_state
    for body in (b"", b'{"instances": ['):
        with socket.create_connection(("127.0.0.1", server.server.rest_port)) as client:
            client.sendall(b"POST %s:predict HTTP/1.1\r\nHost: localhost\r\n" % HALF.encode())
            client.sendall(b"Content-Length: 1000000\r\n\r\n" + body)
            server.do(until(lambda: len(state.tasks) == 1))
            before = len(state.connections)
        server.do(until(lambda: not state.tasks))
        assert len(state.connections) == before - 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_fault_of_the_server_is_an_internal_error_without_a_trace(http, monkeypatch, caplog):
    def break_down(*_, **__):
        raise RuntimeError("a fault")

    with monkeypatch.context() as broken:
        broken.setattr("serving.server.api.rest_answers.predict_json", break_down)
        response = http.post(f"{HALF}:predict", json={"instances": [1.0]})
    assert error(response, 500) == "RuntimeError: a fault"
    (record,) = [record for record in caplog.records if record.name == "serving.server.api.rest"]
    assert record.exc_info is not None


def test_the_page_knows_a_model(http):
    page = http.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<script type="application/json" id="model">"half"</script>' in page.text
    assert "<h1>Subject areas for a paper</h1>" in page.text


def test_the_page_speaks_of_what_the_model_was_trained_on(tmp_path):
    options = two_models(tmp_path)
    (tmp_path / "half" / "7" / "assets.extra").mkdir()
    words = {"item": "issue", "items": "issues", "title": None, "text": "<b>y"}
    words["label_names"] = {"a": "</script>"}
    (tmp_path / "half" / "7" / "assets.extra" / "words.json").write_text(json.dumps(words))
    with running(options) as server:
        page = httpx.get(server.rest_url, timeout=60).text
    html = page[: page.index("<script")]
    assert r'id="label-names">{"a": "\u003c/script>"}</script>' in page
    for text in (
        "<h1>Labels for an issue</h1>",
        "Paste a &lt;b&gt;y to see which labels fit best.",
        '<label for="title" hidden>',
        '<input id="title" hidden',
        '<label for="abstract">&lt;b&gt;y</label>',
        "Suggest labels",
        '<button type="button" id="example" hidden>',
        "The ranked labels will appear here.",
    ):
        assert text in html
    assert not re.findall(r"(?i)papers?\b|subject area|>[^<]*abstract", html[html.index("<body") :])


def test_answers_are_json_whatever_the_texts(http):
    """Undecodable bytes come back as they were sent: TF Serving does not look at the encoding."""
    response = http.post(f"{TAGGER}:predict", content=b'{"instances": ["\xff\xfe"]}')
    assert response.status_code == 200
    refused = http.post(f"{HALF}:predict", content=b'{"instances": ["\xff"]}')
    assert b'\\"\xff\\"' in refused.content
    assert json.loads(refused.content.decode("utf-8", "replace"))["error"]
