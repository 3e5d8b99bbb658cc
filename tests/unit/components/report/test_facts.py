"""What is gathered of a run, from files as the other components write them."""

from __future__ import annotations

import json
from importlib.metadata import version

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.baselines.results import BaselineScores, write_baselines
from components.evaluator.gate import GateRow
from components.report import facts as module
from components.report.facts import gather
from components.report.settings import ReportSettings
from tests.support.report_served import LABELS, draw_papers, save_model, write_split

SETTINGS = ReportSettings(bootstrap_samples=20, wrong_papers=2)
PROVENANCE = {
    "data": "papers.csv",
    "commit": "abc",
    "changed": True,
    "settings": {"trainer": {"seed": 3}},
}
FIGURES = {
    "micro_f1": 0.7,
    "examples": 30.0,
    "abstract_only/micro_f1": 0.6,
    "vocabulary_only/micro_f1": 0.8,
}
LABELS_FOUND = [{"label": "cs.CV", "support": 3, "threshold": 0.4}]
SLICES_FOUND = [{"name": "archive", "value": "cs", "figures": {"micro_f1": 0.5}}]
PASSED = GateRow("lrap", 0.9, None, 0.8, is_change=False, passed=True, papers=30)
FAILED = GateRow("micro_f1", 0.7, None, 0.75, is_change=False, passed=False, papers=30)
SPLITS = ("train", "val", "test")


def write_statistics(folder, papers: int) -> str:
    for split in SPLITS:
        path = folder / f"Split-{split}" / "FeatureStats.pb"
        path.parent.mkdir(parents=True)
        one = statistics_pb2.DatasetFeatureStatistics(num_examples=papers)
        path.write_bytes(
            statistics_pb2.DatasetFeatureStatisticsList(datasets=[one]).SerializeToString()
        )
    return str(folder)


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict[str, str]:
    """The folders of a run with a pushed model, without the Evaluator's files."""
    root = tmp_path_factory.mktemp("run")
    sizes = {"train": 50, "val": 10, "test": 30}
    (root / "curation").mkdir()
    (root / "curation" / "curation.json").write_text('{"kept": 90}')
    (root / "curation" / "labels_left_out.json").write_text('[{"label": "a"}]')
    (root / "model_run").mkdir()
    lines = [{"epoch": 1, "step": 5}, {"epoch": 1, "loss": 0.2}, {"epoch": 2, "loss": 0.1}]
    (root / "model_run" / "model_summary.txt").write_text("│ logits │", "utf-8")
    (root / "model_run" / "epochs.jsonl").write_text(
        "".join(json.dumps(each) + "\n" for each in lines)
    )
    (root / "evaluation").mkdir()
    scores = np.full((30, 4), 0.1, np.float32)
    frequent = BaselineScores("frequent", LABELS, scores, 0.05, 50, {"micro_f1": 0.2})
    write_baselines(str(root / "baselines"), [frequent])
    for split, size in sizes.items():
        write_split(root / "examples" / f"Split-{split}", draw_papers(size, seed=size))
    save_model(root / "model" / "Format-Serving")
    write_statistics(root / "statistics", 30)
    names = ("examples", "model", "model_run", "evaluation", "curation", "statistics", "baselines")
    return {name: str(root / name) for name in names} | {"infra_blessing": str(root / "infra")}


@pytest.fixture(autouse=True)
def evaluation(monkeypatch):
    """The Evaluator's metrics; reading them has its own tests."""
    found = {
        "read_figures": FIGURES,
        "read_labels": LABELS_FOUND,
        "read_slices": SLICES_FOUND,
        "read_gate": [PASSED, FAILED],
    }
    for name, value in found.items():
        monkeypatch.setattr(module, name, lambda uri, value=value: value)


def test_everything_of_a_blessed_model_is_there(everything):
    facts = gather(everything, True, "17", PROVENANCE, SETTINGS)
    assert facts["verdict"] == {"state": "blessed", "reasons": [], "version": "17"}
    assert facts["model"] == {
        "labels": 4,
        "ngrams": 2,
        "threshold": 0.4,
        "thresholds": "global",
    }
    assert facts["training"] == {
        "epochs": [{"epoch": 1, "loss": 0.2}, {"epoch": 2, "loss": 0.1}],
        "kept_epoch": 2,
        "summary": "│ logits │",
    }
    assert facts["figures"] == {"micro_f1": 0.7, "examples": 30.0}
    assert facts["abstract_only"] == {"micro_f1": 0.6}
    assert facts["vocabulary_only"] == {"micro_f1": 0.8}
    assert facts["data"]["left_out"] == [{"label": "a"}]
    assert facts["labels"] == LABELS_FOUND
    assert facts["slices"] == SLICES_FOUND
    assert facts["data"]["curation"] == {"kept": 90}
    assert set(facts["data"]["words"]) == set(SPLITS)
    assert facts["test"] == {"papers": 30, "scored": 30, "resamples": 20, "level": 0.95}
    assert facts["baselines"][0]["papers"] == 50
    assert set(facts["headline"][0]["baselines"]) == {"frequent"}
    passed, failed = facts["gate"]
    assert (passed["metric"], failed["metric"]) == ("lrap", "micro_f1")
    assert (passed["candidate"], passed["digits"]) == (0.9, 4)
    assert passed["bound_in_words"] == PASSED.bound_in_words
    assert len(facts["wrong"]) == 2
    for paper in facts["wrong"]:
        mistakes = [each for each in paper["true"] if not each["suggested"]]
        mistakes += [each for each in paper["wrong"] if each["suggested"]]
        scores = {each["label"]: each["probability"] for each in mistakes}
        for each in paper["why"]:
            logit = sum(each["ngrams"].values()) + each["rest"] + each["bias"]
            assert 1 / (1 + np.exp(-logit)) == pytest.approx(scores[each["label"]], abs=1e-5)
    assert any(paper["why"] for paper in facts["wrong"])
    card = facts["card"]
    assert (card["data"], card["commit"], card["changed"]) == ("papers.csv", "abc", True)
    assert card["settings"] == {"trainer": {"seed": 3}}
    assert card["intended_use"] == SETTINGS.intended_use
    assert card["versions"]["tensorflow"] == version("tensorflow")
    assert json.loads(json.dumps(facts, allow_nan=False))["name"] == "arxiv_tagger"


def test_a_refused_model_has_the_bounds_that_it_missed_and_what_is_missing_is_empty(
    everything, tmp_path
):
    write_baselines(str(tmp_path), [])
    folders = {"baselines": str(tmp_path), "model_run": str(tmp_path)}
    # The last model is this one, and kept no keys of its training papers.
    folders["last_model"] = everything["model"]
    # Of a large split a sample is scored.
    settings = SETTINGS.model_copy(update={"max_papers": 12})
    facts = gather({**everything, **folders}, False, None, PROVENANCE, settings)
    verdict = {"state": "refused", "reasons": [str(FAILED)], "version": None}
    assert facts["verdict"] == verdict
    assert facts["baselines"] == []
    assert facts["headline"][0]["baselines"] == {}
    assert (facts["training"]["epochs"], facts["training"]["summary"]) == ([], "")
    assert (facts["test"]["papers"], facts["test"]["scored"]) == (30, 12)
    assert sum(each["count"] for each in facts["calibration"]) < 30 * 4
    assert facts["against_last"]["papers"] == 12
    assert {(row["gained"], row["lost"]) for row in facts["against_last"]["labels"]} == {(0, 0)}


def test_a_model_that_cannot_be_served_has_only_the_reasons(everything, tmp_path):
    (tmp_path / "not_evaluated.json").write_text('{"reason": ""}')
    checks = [
        {"name": "loads", "result": "passed", "message": ""},
        {"name": "answers", "result": "failed", "message": "NaN"},
        {"name": "order", "result": "skipped", "message": ""},
    ]
    (tmp_path / "infra_validation.json").write_text(json.dumps({"checks": checks}))
    # What such a model lacks may be what a report would read.
    folders = {"evaluation": str(tmp_path), "infra_blessing": str(tmp_path), "model": "none"}
    facts = gather({**everything, **folders}, False, None, PROVENANCE, SETTINGS)
    verdict = {"state": "not_evaluated", "reasons": ["answers: NaN"], "version": None}
    assert facts["verdict"] == verdict
    assert {"model", "figures", "headline", "labels", "gate"}.isdisjoint(facts)
    assert facts["data"]["curation"] == {"kept": 90}


def test_data_is_compared_with_the_last_run(everything, tmp_path):
    folder = str(tmp_path)
    not_evaluated = {**everything, "evaluation": folder, "infra_blessing": folder}
    (tmp_path / "not_evaluated.json").write_text('{"reason": ""}')
    (tmp_path / "infra_validation.json").write_text('{"checks": []}')

    def drift(**last: str):
        facts = gather({**not_evaluated, **last}, True, "17", PROVENANCE, SETTINGS)
        return facts["data"]["drift"]

    assert drift() == {"state": "first"}
    # The cache reused the last run's statistics.
    assert drift(last_statistics=everything["statistics"]) == {"state": "same"}
    found = drift(last_statistics=write_statistics(tmp_path / "last", 10))
    assert (found["state"], found["papers"]) == ("compared", [30, 90])
