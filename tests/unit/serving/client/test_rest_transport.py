"""REST requests and answers, without a network."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from schema.errors import TaggerError, UsageError
from serving.client import TaggerClient
from serving.client.rest_transport import RestTransport
from serving.client.transport import Access
from tests.support.little_server import expected

ADDRESS = "127.0.0.1:8501"


def client(answer: Callable[[httpx.Request], httpx.Response], **options) -> TaggerClient:
    """A client whose requests go to a function."""
    transport = RestTransport(ADDRESS, Access(), httpx.MockTransport(answer))
    return TaggerClient(ADDRESS, transport=transport, sleep=lambda _: None, **options)


def answering(*responses: httpx.Response | Exception) -> tuple[list[httpx.Request], Callable]:
    """The requests so far, and a function that gives one response after another."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        response = responses[len(asked)]
        asked.append(request)
        if isinstance(response, Exception):
            raise response
        return response

    return asked, answer


def good() -> httpx.Response:
    row = expected("a")
    columns = {
        "labels": [[each.label for each in row]],
        "scores": [[each.score for each in row]],
        "suggested": [[each.suggested for each in row]],
    }
    return httpx.Response(200, json={"outputs": columns})


def error(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"error": message})


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"label": "none"}, "/v1/models/arxiv_tagger:predict"),
        ({"version": 3}, "/v1/models/arxiv_tagger/versions/3:predict"),
        ({"label": "a b/c"}, "/v1/models/arxiv_tagger/labels/a%20b%2Fc:predict"),
        ({"model": "ä/?"}, "/v1/models/%C3%A4%2F%3F/labels/stable:predict"),
    ],
)
def test_request_has_the_path_and_column_format_of_the_api_guide(options, path):
    asked, answer = answering(good())
    client(answer, **options).suggest(["a"])
    (request,) = asked
    assert request.method == "POST"
    assert request.url.raw_path.decode() == path
    assert request.url.netloc == ADDRESS.encode()
    assert json.loads(request.content) == {
        "signature_name": "serving_default",
        "inputs": {"text": ["a"]},
    }


@pytest.mark.parametrize(
    "failed",
    [
        httpx.ConnectError("[Errno 111] Connection refused"),
        error(503, "full"),
        httpx.Response(503, text="<html>no backend</html>"),
        httpx.ReadError("Connection reset by peer"),
        httpx.WriteError("Broken pipe"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=str,
)
def test_transient_failures_are_retried(failed):
    asked, answer = answering(failed, good())
    assert client(answer).suggest(["a"]) == [expected("a")]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("response", "kind", "said"),
    [
        (error(404, "Servable not found for request: Latest(m)"), UsageError, "has no m"),
        (error(400, "JSON Value: {} Is not an object"), UsageError, "'serving_default'"),
        (error(400, "Unrecognized servable version label: b"), UsageError, "has no m label b: Un"),
        (error(500, "broken op"), TaggerError, "broken op"),
        (error(413, "too long"), TaggerError, "no request of this size: too long"),
        (error(400, "The request is too large: it would"), TaggerError, "no request of this size"),
        (error(504, "late"), TaggerError, "no answer in 7 s"),
        (httpx.ReadTimeout("timed out"), TaggerError, "no answer in 7 s"),
        (httpx.ConnectTimeout("timed out"), TaggerError, "no answer in 7 s"),
        (httpx.ConnectError("Name or service not known"), TaggerError, "Name or service"),
        (httpx.RemoteProtocolError("illegal request line"), TaggerError, "8501 by default"),
        (httpx.Response(404, text="<h1>nginx</h1>"), TaggerError, "nginx"),
        (httpx.Response(502, text="bad gateway"), TaggerError, "HTTP 502"),
        (httpx.Response(200, text="hello"), TaggerError, "not that of a model"),
        (httpx.Response(200, json=["a"]), TaggerError, "not that of a model"),
        (httpx.Response(200, json={"outputs": [[1.0]]}), TaggerError, "no named outputs"),
    ],
    ids=str,
)
def test_other_failures_are_explained_and_not_retried(response, kind, said):
    asked, answer = answering(response)
    with pytest.raises(TaggerError) as raised:
        client(answer, model="m", label="b", timeout=7).suggest(["a"])
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert ADDRESS in str(raised.value)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"labels": [["a"]], "scores": [[1.0]]},
        {"labels": [["a"]], "scores": [[1.0]], "suggested": True},
        {"labels": [["a"]], "scores": [1.0], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [[1.0, 0.5]], "suggested": [[True]]},
        {"labels": [], "scores": [], "suggested": []},
        {"labels": [["a"]] * 2, "scores": [[1.0]] * 2, "suggested": [[True]] * 2},
        {"labels": [[1]], "scores": [[1.0]], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [["1.0"]], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [[True]], "suggested": [[True]]},
        {"labels": [["a"]], "scores": [[1.0]], "suggested": [[1]]},
    ],
    ids=str,
)
def test_outputs_of_another_form_are_refused(outputs):
    asked, answer = answering(httpx.Response(200, json={"outputs": outputs}))
    with pytest.raises(TaggerError, match="--model") as raised:
        client(answer).suggest(["a"])
    assert type(raised.value) is TaggerError
    assert len(asked) == 1


def test_a_model_that_cannot_explain_is_asked_without():
    """In TF Serving's words (json_tensor.cc)."""
    unknown = error(400, 'Serving signature name: "explain" not found in signature def')
    asked, answer = answering(unknown, good())
    (labels,) = client(answer).suggest(["a"], explain=True)
    assert labels == expected("a")
    assert labels.known_share is None
    sent = [json.loads(request.content)["signature_name"] for request in asked]
    assert sent == ["explain", "serving_default"]
