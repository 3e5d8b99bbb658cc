"""`arxiv-tagger models`."""

from __future__ import annotations

import json

from tests.support.command_line import flat, invoke


def test_models_lists_versions_with_metrics_and_labels(run_dir):
    assert invoke("release", "--stable", 1700000000, "--serving", run_dir).exit_code == 0
    done = invoke("models", "--serving", run_dir)
    assert done.exit_code == 0, done.output
    heading, newest, oldest = (flat(line) for line in done.output.splitlines())
    assert heading == "Version Pushed Labels Split micro_f1 lrap Size"
    assert newest.startswith("1700086400 2023-11-1")
    assert newest.endswith("validation 0.5000 0.2500 2.3 MB")
    assert oldest.endswith("stable test 0.6875 0.8125 2.3 MB")


def test_models_writes_an_object_a_line_for_programs(run_dir):
    invoke("release", "--stable", 1700000000, "--serving", run_dir)
    done = invoke("models", "--json", "--serving", run_dir / "serving" / "arxiv_tagger")
    newest, oldest = map(json.loads, done.output.splitlines())
    assert newest["version"] == 1700086400
    assert newest["labels"] == []
    assert newest["test"] == {}
    assert newest["pushed"] == "2023-11-15T22:13:20+00:00"
    assert oldest["labels"] == ["stable"]
    assert oldest["test"] == {"micro_f1": 0.6875, "lrap": 0.8125}
    assert oldest["validation"] == {"micro_f1": 0.5, "lrap": 0.25}
    assert oldest["size"] > 2_345_678
