"""The REST API's HTTP: libevent's rules and words, byte for byte where clients may notice."""

from __future__ import annotations

import gzip
import socket

import pytest

from tests.support.contract.api import Answer, http_request, receive

STATUS = "/v1/models/half_plus_two"
PREDICT = f"{STATUS}:predict"
METRICS = "/monitoring/prometheus/metrics"
BODY = b'{"instances": [2.0]}'


@pytest.fixture
def connection(client):
    with client.connect() as made:
        yield made


def send(connection: socket.socket, *request: object) -> Answer:
    connection.sendall(http_request(*request))
    return receive(connection)


def is_closed(connection: socket.socket) -> bool:
    return connection.recv(1) == b""


@pytest.mark.parametrize(
    ("line", "status", "phrase"),
    [
        # evhttp_request.cc ParsedEvRequest::decode.
        ("GET /v1/models/%zz", 400, "Bad Request"),
        ('GET /v1/models/"half"', 400, "Bad Request"),
        # evhttp_server.cc: HTTP_NOTFOUND, and the methods that libevent is told to allow.
        ("GET /favicon.ico", 404, "Not Found"),
        ("POST /v1", 404, "Not Found"),
        (f"TRACE {STATUS}", 501, "Not Implemented"),
        (f"FOO {STATUS}", 501, "Not Implemented"),
        (f"FOO {STATUS} 1.1", 400, "Bad Request"),
    ],
)
def test_what_is_no_request_to_the_api_gets_a_page(connection, line, status, phrase):
    got = send(connection, line)
    assert (got.status, got.content_type) == (status, "text/html")
    assert got.text == (
        f"<HTML><HEAD>\n<TITLE>{status} {phrase}</TITLE>\n</HEAD><BODY>\n<H1>{phrase}</H1>\n"
        "</BODY></HTML>\n"
    )
    assert got.headers["connection"] == "close"
    assert is_closed(connection)


@pytest.mark.parametrize(
    ("headers", "status"), [("Origin: http://example.org\r\n", 200), ("", 400)]
)
def test_the_preflight_of_a_browser(connection, headers, status):
    """http_server.cc ProcessRequest and http_rest_api_util.cc AddCORSHeaders."""
    got = send(connection, f"OPTIONS {PREDICT}", b"", headers)
    assert (got.status, got.text) == (status, "")
    for answer in (got, send(connection, f"GET {STATUS}")):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "POST, GET"
        assert answer.headers["access-control-allow-headers"] == "Content-Type"


@pytest.mark.parametrize(
    "body",
    [BODY, gzip.compress(BODY, mtime=0)[:-9], b""],
    ids=["not packed", "cut off", "empty"],
)
def test_what_cannot_be_unpacked_is_empty(connection, body):
    """evhttp_request.cc ReadRequestGzipBytes."""
    got = send(connection, f"POST {PREDICT}", body, "Content-Encoding: gzip\r\n")
    assert got.status == 400
    assert "JSON Parse error: The document is empty" in got.text


def test_a_fragment_is_part_of_the_path(connection):
    """evhttp_request.cc uri_path: the URI as it came."""
    got = send(connection, f"POST {PREDICT}#f", BODY)
    assert (got.status, f"Malformed request: POST {PREDICT}#f" in got.text) == (400, True)
    got = send(connection, f"GET {STATUS}#f")
    assert (got.status, "model half_plus_two#f" in got.text) == (404, True)


def test_the_path_and_method_of_the_metrics(connection):
    """http_server.cc ProcessPrometheusRequest."""
    got = send(connection, f"POST {METRICS}", b"x")
    assert (got.status, got.content_type) == (200, "text/plain")
    got = send(connection, f"GET {METRICS}?a=1")
    assert (got.status, got.text) == (400, f"Unexpected path: {METRICS}?a=1. Should be {METRICS}")


def test_requests_of_each_kind_are_counted(client, connection):
    """http_server.cc ProcessRequest, and prometheus_exporter.cc for the numbers."""

    def counts() -> list[int]:
        metrics = send(connection, f"GET {METRICS}").text
        texts = [metrics.partition(f"\n:tensorflow:serving:{each} ")[2] for each in series]
        return [int(text.partition("\n")[0] or 0) for text in texts]

    model = 'model_name="half_plus_two"'
    series = (
        f'request_count{{{model},status="OK"}}',
        f'request_latency_count{{{model},API="",entrypoint="REST"}}',
        f'request_latency_bucket{{{model},API="predict",entrypoint="REST",le="+Inf"}}',
        f'request_latency_count{{{model},API="Predict",entrypoint="GRPC"}}',
        'request_count{model_name="",status="INVALID_ARGUMENT"}',
    )
    client.predict("half_plus_two", {"x": 2.0})
    assert send(connection, f"POST {PREDICT}", BODY).status == 200
    before = counts()
    for line, body in (
        (f"GET {STATUS}", b""),
        (f"GET {STATUS}/metadata", b""),
        (f"POST {PREDICT}", BODY),
        ("POST /v1/no", BODY),
    ):
        assert send(connection, line, body).status == (400 if line.endswith("no") else 200)
    client.predict("half_plus_two", {"x": 2.0})
    found = [after - count for after, count in zip(counts(), before, strict=True)]
    assert found == [4, 2, 1, 1, 1]
    metrics = send(connection, f"GET {METRICS}").text
    assert 'le="10"} 0\n' in metrics
    assert "# TYPE :tensorflow:serving:request_count counter" in metrics
    assert "# TYPE :tensorflow:serving:request_latency histogram" in metrics


def test_documents_of_a_model_end_in_a_line_feed(connection):
    """protobuf's MessageToJsonString."""
    assert send(connection, f"GET {STATUS}").text.endswith("\n}\n")
    assert send(connection, f"GET {STATUS}/metadata").text.endswith("}\n}\n}\n")


def test_a_connection_of_http_1_0_is_kept_where_the_client_wants_it(connection):
    """libevent's evhttp_make_header."""
    line = f"POST {PREDICT} HTTP/1.0"
    for _ in range(2):
        got = send(connection, line, BODY, "Connection: keep-alive\r\n")
        assert (got.status, got.headers["connection"]) == (200, "keep-alive")
    assert send(connection, line, BODY).status == 200
    assert is_closed(connection)


def test_a_client_that_has_sent_all_gets_its_answer(connection):
    connection.sendall(http_request(f"POST {PREDICT}", BODY))
    connection.shutdown(socket.SHUT_WR)
    assert receive(connection).status == 200
    assert is_closed(connection)


def test_an_offer_of_http_2_is_passed_over(connection):
    """As Java's client makes it with its first request."""
    headers = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n"
    for _ in range(2):
        assert send(connection, f"POST {PREDICT}", BODY, headers).status == 200
