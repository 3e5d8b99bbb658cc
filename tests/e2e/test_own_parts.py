"""The example with features and a network of its own, from its CSV to an answer of the server."""

from __future__ import annotations

import json

import httpx
import pytest

from schema import names
from tests.support import runs
from tests.support.page import model_server

EXAMPLES = runs.REPOSITORY / "examples"
TEXT = "Hello, The street lamp at Mill Lane has been dark for two weeks. Kind regards."


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("town_hall") / "out"
    run = runs.tagger(
        "run", "--data", EXAMPLES / "town_hall" / "messages.csv",
        "--profile", EXAMPLES / "town_hall.yaml", "--output", output,
    )  # fmt: skip
    assert run.code == 0, run.output
    assert len(runs.versions(output)) == 1
    return output


@pytest.fixture(scope="module")
def server(finished):
    base = finished / runs.MODEL_DIR
    with model_server(base, names.MODEL_NAME, finished / "server.log") as (address, _):
        yield address.rstrip("/")


def test_the_server_answers_with_all_but_what_only_our_parts_know(server):
    url = f"{server}/v1/models/{names.MODEL_NAME}"
    found = httpx.post(f"{url}:predict", json={"inputs": {"text": [TEXT]}}).json()["outputs"]
    assert found.keys() == {"labels", "scores", "suggested"}
    assert found["labels"][0][0] == "lighting"
    assert found["suggested"][0][0]
    metadata = httpx.get(f"{url}/metadata").json()["metadata"]
    assert "explain" not in metadata["signature_def"]["signature_def"]


def test_query_suggests_and_gives_no_reasons(server):
    asked = runs.tagger(
        "query", "--address", server.removeprefix("http://"), "--explain", "--json", TEXT
    )
    assert asked.code == 0, asked.output
    line, note = asked.output.splitlines()
    assert note == "This model has no explanations."
    answer = json.loads(line)
    assert answer.keys() == {"text", "suggestions"}
    assert answer["suggestions"][0]["label"] == "lighting"
    assert answer["suggestions"][0].keys() == {"label", "score", "suggested"}


def test_the_report_leaves_out_words_and_n_grams(finished):
    report = json.loads((finished / "report" / "report.json").read_text())
    assert report["model"]["ngrams"] is None
    assert all(paper["why"] == [] for paper in report["wrong"])
    page = (finished / "report" / "index.html").read_text()
    assert "town_hall.model.build_model" in page
    assert "n-grams" not in page
