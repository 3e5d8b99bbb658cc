"""What is told of each finished component."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from pipeline.local.node_summary import summarize
from pipeline.local.results import is_blessed, served_model, was_measured
from tests.support.node_results import bare_result, result

FIGURES = {"micro_f1": 0.71251, "lrap": 0.8, "precision@1": 0.94449}


def test_curation_counts(tmp_path):
    counts = {
        "rows_read": 49_578,
        "kept": 36_712,
        "dead_letters": 0,
        "train": 33_000,
        "val": 1_856,
        "test": 1_857,
    }
    finished = result("CsvExampleGen", "curation", tmp_path)
    (tmp_path / "curation.json").write_text(json.dumps(counts))
    text = "36,712 of 49,578 rows kept: 33,000 / 1,856 / 1,857"
    assert summarize(finished) == text
    (tmp_path / "curation.json").write_text(json.dumps({**counts, "dead_letters": 1_234}))
    assert summarize(finished) == f"{text}; 1,234 malformed"


@pytest.mark.parametrize(
    ("warnings", "text"), [(0, "no anomalies"), (3, "3 warnings, see the log")]
)
def test_warnings_of_the_data_check(warnings, text):
    assert summarize(result("DataCheck", "data_check", warnings=warnings)) == text


def test_sizes_of_the_vocabularies(tmp_path):
    assets = tmp_path / "transform_fn" / "assets"
    assets.mkdir(parents=True)
    (assets / "ngrams").write_text("[UNK]\t1\n" + "".join(f"n{i}\t1\n" for i in range(1_500)))
    (assets / "labels").write_bytes(b"cs.LG\n\xff\n")
    assert summarize(result("Transform", "transform_graph", tmp_path)) == "1,500 n-grams, 2 labels"


def test_the_kept_epoch(tmp_path):
    finished = result("Trainer", "model", tmp_path)
    extra = served_model(finished) / "assets.extra"
    assert extra == tmp_path / "Format-Serving" / "assets.extra"
    extra.mkdir(parents=True)
    info = {
        "kept_epoch": 2,
        "epochs": 3,
        "validation": {"val_lrap": 0.88567, "val_micro_f1": 0.7149},
    }
    (extra / "model_info.json").write_text(json.dumps(info))
    assert summarize(finished) == "kept epoch 2 of 3: validation LRAP 0.886, micro-F1 0.715"


def test_the_best_trial(tmp_path):
    trials = [{"trial_id": "1", "score": 0.9}, {"trial_id": "0", "score": 0.8}]
    (tmp_path / "tuner_results.json").write_text(json.dumps(trials))
    found = summarize(result("Tuner", "tuner_results", tmp_path))
    assert found == "best of 2 trials: validation LRAP 0.900"


@pytest.mark.parametrize(
    ("node", "key"), [("LastBlessedModel", "model"), ("LastStatistics", "statistics")]
)
def test_what_was_found_of_an_earlier_run(node, key):
    assert summarize(result(node, key)) == f"{key} 7"
    assert summarize(bare_result(node, **{key: []})) == "none yet"
    assert summarize(bare_result(node)) == "none yet"


def test_what_the_baselines_reach(tmp_path):
    finished = result("Baselines", "baselines", tmp_path)
    about = {name: {"figures": {"micro_f1": f1}} for name, f1 in (("none", 0.0), ("svc", 0.7218))}
    (tmp_path / "baselines.json").write_text(json.dumps(about))
    assert summarize(finished) == "micro-F1: none 0.000, svc 0.722"
    (tmp_path / "baselines.json").write_text("{}")
    assert summarize(finished) == "none enabled"


def test_the_first_figure_of_the_report(tmp_path):
    finished = result("Report", "report", tmp_path)
    differences = {"none": 0.7, "svc": 0.0123, "frequent": 0.4}
    baselines = {
        name: {"value": 0.732 - value, "difference": {"value": value}}
        for name, value in differences.items()
    }
    first = {"metric": "micro_f1", "low": 0.7211, "high": 0.7433, "baselines": baselines}
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"headline": [first]}))
    # Of the baselines the best.
    assert summarize(finished) == "micro-F1 0.721 to 0.743, +0.012 against svc"
    path.write_text(json.dumps({"headline": [{**first, "baselines": {}}]}))
    assert summarize(finished) == "micro-F1 0.721 to 0.743"
    path.write_text("{}")
    assert summarize(finished) == "without figures: the model was not evaluated"


@pytest.mark.parametrize(("blessed", "verdict"), [(1, "blessed"), (0, "refused")])
def test_the_verdict_and_its_figures(monkeypatch, tmp_path, blessed, verdict):
    def read_figures(uri):
        assert uri == str(tmp_path)
        return FIGURES

    # The real one needs TensorFlow.
    stub = SimpleNamespace(read_figures=read_figures)
    monkeypatch.setitem(sys.modules, "components.evaluator.results", stub)
    finished = result("Evaluator", "blessing", blessed=blessed)
    finished.outputs.update(result("Evaluator", "evaluation", tmp_path).outputs)
    assert is_blessed(finished) is bool(blessed)
    assert summarize(finished) == f"{verdict}: micro-F1 0.713, LRAP 0.800, P@1 0.944"


def test_a_model_that_was_not_evaluated(tmp_path):
    finished = result("Evaluator", "evaluation", tmp_path)
    assert was_measured(finished)
    (tmp_path / "not_evaluated.json").write_text("{}")
    assert not was_measured(finished)
    assert summarize(finished) == "not evaluated: the model can't be served"


@pytest.mark.parametrize(
    ("results", "text"),
    [
        (("passed", "passed"), "local model server: 2 checks passed"),
        (("failed", "skipped"), "local model server: refused, failed one"),
        (("failed", "failed", "skipped"), "local model server: refused, failed one, two"),
    ],
)
def test_the_trial_on_a_server(tmp_path, results, text):
    checks = [
        {"name": name, "result": each}
        for name, each in zip(("one", "two", "three"), results, strict=False)
    ]
    report = {"server": "local model server", "checks": checks}
    (tmp_path / "infra_validation.json").write_text(json.dumps(report))
    assert summarize(result("InfraValidator", "blessing", tmp_path)) == text


@pytest.mark.parametrize(
    ("properties", "cached", "text"),
    [
        ({}, False, "not pushed"),
        ({"pushed": 1, "pushed_version": "17", "is_new": 1}, False, "version 17"),
        ({"pushed": 1, "pushed_version": "17", "is_new": 1}, True, "nothing new: version 17"),
        ({"pushed": 1, "pushed_version": "17", "is_new": 0}, False, "nothing new: version 17"),
    ],
)
def test_what_was_pushed(properties, cached, text):
    finished = result("Pusher", "pushed_model", cached=cached, **properties)
    assert summarize(finished).startswith(text)


def test_other_components_have_nothing_to_tell():
    assert summarize(bare_result("StatisticsGen")) == ""
