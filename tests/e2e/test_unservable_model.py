"""A model that a server answers wrongly with is not pushed, and beats no later one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import runs

RIGHT = "return columns, scores"
WRONG = "return tf.reverse(columns, [1]), scores"


@dataclass(frozen=True)
class Runs:
    """The same run twice with an export that mixes up labels, and once with the right one."""

    refused: runs.Run
    again: runs.Run
    right: runs.Run
    versions_before: int
    metrics_before: bool
    report_before: str
    output: Path


@pytest.fixture(scope="module")
def finished(sample, tmp_path_factory) -> Runs:
    folder = tmp_path_factory.mktemp("unservable")
    output = folder / "out"
    code = runs.copy_code(folder / "code")
    signatures = code / "components" / "trainer" / "signatures.py"
    text = signatures.read_text()
    assert RIGHT in text
    signatures.write_text(text.replace(RIGHT, WRONG))
    refused, again = (runs.run_pipeline(sample, output, root=code) for _ in range(2))
    before = (
        len(runs.versions(output)),
        (output / "metrics.json").exists(),
        (output / "report" / "index.html").read_text("utf-8"),
    )
    return Runs(refused, again, runs.run_pipeline(sample, output), *before, output)


def test_it_is_refused_with_the_failed_check_and_the_report(finished):
    for run in (finished.refused, finished.again):
        assert run.code == 5, run.output
        assert "nothing was pushed" in run
        assert "scores belong to their labels: " in run
        assert "infra_validation.json" in run
        assert "Traceback" not in run.output
        assert "not evaluated" in run
    assert finished.versions_before == 0
    # Nothing was measured, so there is nothing to show.
    assert not finished.metrics_before


def test_the_report_tells_why(finished):
    page = finished.report_before
    assert "Refused: the model can&#39;t be served" in page
    assert "scores belong to their labels: " in page
    assert 'id="data"' in page
    assert 'id="labels"' not in page
    right = (finished.output / "report" / "index.html").read_text("utf-8")
    assert 'id="labels"' in right
    assert (finished.output / "report" / "labels.tsv").exists()


def test_the_refusal_stands_until_something_changes(finished):
    assert "= InfraValidator" in finished.again
    assert "= Trainer" in finished.again


def test_the_next_model_is_the_first_that_is_blessed(finished):
    assert finished.right.code == 0, finished.right.output
    lines = finished.right.output.splitlines()
    (to_beat,) = (line for line in lines if "LastBlessedModel" in line)
    assert to_beat.endswith("none yet")
    assert "checks passed" in finished.right
    (version,) = runs.versions(finished.output)
    metrics = json.loads((finished.output / "metrics.json").read_text())
    scored = json.loads((version / "assets.extra" / "evaluation.json").read_text())
    assert scored == {name: value for name, value in metrics.items() if name != "threshold"}
    assert (version / "assets.extra" / "tf_serving_warmup_requests").stat().st_size > 0
