"""What /openapi.json says of the API, held against a server by Schemathesis."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis.specs.openapi import checks

from serving.server.options import ServerOptions
from tests.support.running_server import running
from tests.support.saved_models import half_plus_two, small_tagger

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module", params=[small_tagger, half_plus_two])
def address(request, tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "m"
    request.param(base / "1")
    with running(ServerOptions(model_name="arxiv_tagger", model_base_path=base)) as server:
        yield server.rest_url


def test_the_server_answers_as_the_document_says(address):
    api = schemathesis.openapi.from_url(f"{address}/openapi.json")
    assert list(api.validate() or []) == []
    answered = set()

    def ask(case):
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        if response.status_code == 200:
            answered.add(case.path)

    # Of the paths of one version, to save time, Predict alone.
    for operation in api.include(path_regex="^[^{]*$|:predict$").get_all_operations():
        settings(max_examples=8, deadline=None, derandomize=True, database=None)(
            given(case=operation.ok().as_strategy())(ask)
        )()
    model = "/v1/models/arxiv_tagger"
    assert {model, f"{model}/metadata", f"{model}:predict"} <= answered


def test_every_signature_takes_what_the_document_shows(address):
    document = httpx.get(f"{address}/openapi.json").json()
    schemas = document["components"]["schemas"]
    model = httpx.get(f"{address}/v1/models/arxiv_tagger/metadata").json()["metadata"]
    forms = schemas["PredictRequest"]["anyOf"]
    named = [form["properties"]["signature_name"]["const"] for form in forms]
    known = {key for key, each in model["signature_def"]["signature_def"].items() if each["inputs"]}
    assert named[:2] == 2 * ["serving_default"]
    assert sorted(named) == sorted(2 * list(known))
    assert (":regress" in str(document["paths"])) == ("regress_x_to_y" in known)
    # Of the tagger, whose features the examples have.
    for key in {"classify", "evaluate", "transform_features"} & known:
        predict = {"signature_name": key, "instances": schemas["SerializedExample"]["examples"]}
        classify = schemas["Examples"]["examples"][0]
        for call, asked in (("predict", predict), ("classify", classify)):
            answer = httpx.post(f"{address}/v1/models/arxiv_tagger:{call}", json=asked)
            assert answer.status_code == 200, answer.text


def test_a_path_with_a_line_feed_is_one_of_the_api(address):
    answer = httpx.get(f"{address}/v1/models/no%0Asuch")
    assert answer.status_code == 404
    assert answer.json() == {"error": "Could not find any versions of model no\nsuch"}
