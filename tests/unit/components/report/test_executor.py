"""The component writes its files from the artifacts that there are."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import BaselinesArtifact, CurationArtifact, ReportArtifact
from components.report import component as module
from components.report.component import Executor
from components.report.page import render
from components.report.settings import ReportSettings
from tests.support.made_up_report import made_up_report, unmeasured_report

PROVENANCE = {"data": "a.csv", "commit": "abc", "changed": True, "settings": {"data": {"seed": 1}}}


def artifact(kind: type[types.Artifact], uri: str, **properties) -> types.Artifact:
    made = kind()
    made.uri = uri
    for name, value in properties.items():
        if isinstance(value, int):
            made.set_int_custom_property(name, value)
        else:
            made.set_string_custom_property(name, value)
    return made


def inputs(**changes) -> dict[str, list[types.Artifact]]:
    """The component's inputs in a run whose model was pushed."""
    examples = artifact(standard_artifacts.Examples, "/run/examples")
    examples.split_names = artifact_utils.encode_split_names(["train", "val", "test"])
    given = {
        "examples": examples,
        "curation": artifact(CurationArtifact, "/run/curation"),
        "statistics": artifact(standard_artifacts.ExampleStatistics, "/run/statistics"),
        "last_statistics": artifact(standard_artifacts.ExampleStatistics, "/run/last"),
        "model": artifact(standard_artifacts.Model, "/run/model"),
        "model_run": artifact(standard_artifacts.ModelRun, "/run/model_run"),
        "baselines": artifact(BaselinesArtifact, "/run/baselines"),
        "infra_blessing": artifact(standard_artifacts.InfraBlessing, "/run/infra"),
        "evaluation": artifact(standard_artifacts.ModelEvaluation, "/run/evaluation"),
        "model_blessing": artifact(standard_artifacts.ModelBlessing, "/run/blessing", blessed=1),
        "pushed_model": artifact(
            standard_artifacts.PushedModel, "/run/pushed", pushed=1, pushed_version="17"
        ),
        **changes,
    }
    return {key: [each] if each is not None else [] for key, each in given.items()}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the executor on made-up facts, and keeps what it gathers them from."""
    seen = SimpleNamespace(facts=made_up_report(), asked=None, folder=tmp_path / "report")

    def gather(*asked):
        seen.asked = asked
        return seen.facts

    monkeypatch.setattr(module, "gather", gather)

    def do(input_dict=None):
        settings = ReportSettings(bootstrap_samples=7)
        Executor().Do(
            input_dict if input_dict is not None else inputs(),
            {"report": [artifact(ReportArtifact, str(seen.folder))]},
            {
                "settings": settings.model_dump_json(),
                "provenance": json.dumps(PROVENANCE),
                "source_digest": "x",
            },
        )
        return seen

    seen.do = do
    return seen


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_page_its_numbers_and_the_labels_are_written(run):
    seen = run.do()
    assert names(seen.folder) == ["index.html", "labels.tsv", "report.json"]
    assert json.loads((seen.folder / "report.json").read_text("utf-8")) == seen.facts
    assert "Model report" in (seen.folder / "index.html").read_text("utf-8")
    # The page can be rendered from the JSON alone.
    again = render(json.loads((seen.folder / "report.json").read_text("utf-8")))
    assert again == (seen.folder / "index.html").read_text("utf-8")


def test_the_table_of_labels_can_be_read_back(run):
    first = {**run.facts["labels"][0], "support": 12, "f1": 0.1234567}
    odd = ("cs.LG", 'a "tab"\tand\nbreak', "größe")
    run.facts = {**run.facts, "labels": [{**first, "label": label} for label in odd]}
    found = pd.read_csv(run.do().folder / "labels.tsv", sep="\t")
    assert list(found.columns) == list(first)
    assert list(found.label) == list(odd)
    assert set(found.support) == {12}
    assert set(found.f1) == {0.123457}


def test_a_model_that_was_not_measured_has_no_table_of_labels(run):
    run.facts = unmeasured_report()
    seen = run.do()
    assert names(seen.folder) == ["index.html", "report.json"]


def test_every_source_is_found(run):
    folders, blessed, version, provenance, settings = run.do().asked
    assert folders == {key: each[0].uri for key, each in inputs().items()}
    assert (blessed, version, provenance) == (True, "17", PROVENANCE)
    assert settings.bootstrap_samples == 7


def test_there_may_be_no_earlier_run(run):
    absent = {key: value for key, value in inputs().items() if key != "last_statistics"}
    for given in (inputs(last_statistics=None), absent):
        assert "last_statistics" not in run.do(given).asked[0]


def test_the_last_blessed_model_is_found_in_the_blessing(run):
    blessing = artifact(standard_artifacts.ModelBlessing, "/b", blessed=1, baseline_model="/m")
    assert run.do(inputs(model_blessing=blessing)).asked[0]["last_model"] == "/m"


def test_a_refused_model_was_not_pushed(run):
    blessing = artifact(standard_artifacts.ModelBlessing, "/b", blessed=0)
    pushed = artifact(standard_artifacts.PushedModel, "/p", pushed=0)
    asked = run.do(inputs(model_blessing=blessing, pushed_model=pushed)).asked
    assert asked[1:3] == (False, None)


def test_nan_is_an_error_and_leaves_no_broken_file(run):
    run.facts = {**run.facts, "figures": {"micro_f1": float("nan")}}
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.do()
    assert not run.folder.exists()
