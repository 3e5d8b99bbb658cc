"""Both stacks' servers load what either has pushed, and answer the same.

`make test-trixie` runs this on one stack, which writes its answers to a file, and then on the
other.
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from schema import names
from serving.server.options import ServerOptions
from tests.support.running_server import running

TEXTS = [
    "A Survey of Graph Networks\nWe learn to classify the nodes of large graphs.",
    "Sample complexity of kernel regression, with bounds for heavy-tailed noise.",
    "größer 😀 $x^2$",
    "",
]


def test_both_stacks_answer_the_same(request: pytest.FixtureRequest) -> None:
    pushed, file = map(request.config.getoption, ("--pushed", "--answers"))
    if not pushed or not file:
        pytest.fail("This test needs --pushed and --answers: run `make test-trixie`.")
    answers = {}
    for output in map(Path, pushed):
        base = (output / "serving" / names.MODEL_NAME).resolve()
        with running(ServerOptions(model_name="m", model_base_path=base)) as server:
            asked = {"signature_name": "probabilities", "instances": TEXTS}
            answer = httpx.post(f"{server.rest_url}/v1/models/m:predict", json=asked)
        answers[output.name] = answer.raise_for_status().json()["predictions"]
    if not Path(file).exists():
        Path(file).write_text(json.dumps(answers))
        return
    others = json.loads(Path(file).read_text())
    assert others.keys() == answers.keys()
    for name, rows in answers.items():
        for row, other in zip(rows, others[name], strict=True):
            assert row == pytest.approx(other, rel=0, abs=1e-6)
