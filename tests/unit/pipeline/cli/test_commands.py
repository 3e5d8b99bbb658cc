"""What each command does, with the pipeline and the model replaced by stand-ins."""

from __future__ import annotations

import json
import sys
import webbrowser
from dataclasses import dataclass
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli import results_view
from pipeline.cli.main import main
from pipeline.config import Config, load_config
from pipeline.local import run as local_run
from pipeline.local.node_facts import PURPOSES
from pipeline.sample.generator import DEFAULT_ROWS
from serving.suggestion import Suggestion
from tests.support.node_results import result


def invoke(*arguments: object, **options: object):
    return CliRunner().invoke(main, [str(each) for each in arguments], **options)


def flat(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True)
class Row:
    """A bound of the gate."""

    words: str
    passed: bool = False

    def __str__(self) -> str:
        return self.words


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Records what `run` would run; its model is blessed unless a test says otherwise."""
    seen = SimpleNamespace(calls=[], blessed=1, failed=[], shown=[])
    checks = [{"name": "answers over gRPC", "result": "passed", "words": ""}]

    def run_locally(config, data, output, console):
        seen.calls.append((config, data, output))
        evaluator = result("Evaluator", "blessing", blessed=seen.blessed)
        evaluator.outputs.update(result("Evaluator", "evaluation", "uri").outputs)
        report = {
            "passed": not seen.failed,
            "server": "local model server",
            "checks": [*checks, *seen.failed],
        }
        (tmp_path / "infra_validation.json").write_text(json.dumps(report))
        infra = result("InfraValidator", "blessing", tmp_path)
        return SimpleNamespace(nodes={"Evaluator": evaluator, "InfraValidator": infra})

    # The real one needs TensorFlow.
    stub = SimpleNamespace(
        read_gate=lambda uri: [
            Row(f"{uri}: lrap is low"),
            Row("precision@1 is fine", passed=True),
            Row("micro_f1 is low"),
        ]
    )
    monkeypatch.setitem(sys.modules, "components.evaluator.gate", stub)
    monkeypatch.setattr(local_run, "run_locally", run_locally)
    monkeypatch.setattr(
        results_view, "show_results", lambda _, result, output: seen.shown.append(output)
    )
    return seen


@pytest.fixture
def papers(tmp_path):
    """A small file of a given number of papers with one label set."""

    def write(*rows: str, name: str = "papers.csv", header: str = "titles,summaries,terms"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write


GOOD = [f'"Title {i}","Abstract {i}","[\'cs.LG\', \'stat.ML\']"' for i in range(60)]


def test_run_without_data_takes_the_sample_and_its_profile(runs, tmp_path):
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    ((config, data, output),) = runs.calls
    assert config == load_config("sample")
    assert data == tmp_path / "out" / "data" / "sample.csv"
    assert len(pd.read_csv(data)) == DEFAULT_ROWS
    assert output == tmp_path / "out"
    assert runs.shown == [output]


def test_run_leaves_an_equal_sample_alone(runs, tmp_path):
    """TFX's fingerprint is size and time."""
    invoke("run", "--output", tmp_path / "out")
    sample = tmp_path / "out" / "data" / "sample.csv"
    before = sample.stat().st_mtime_ns
    invoke("run", "--output", tmp_path / "out", "--set", "trainer.epochs=1")
    assert sample.stat().st_mtime_ns == before
    assert runs.calls[1][0].trainer.epochs == 1


def test_run_on_a_file_takes_the_default_profile(runs, papers, tmp_path):
    path = papers(*GOOD)
    invoke("run", "--data", path, "--output", tmp_path / "out")
    ((config, data, _),) = runs.calls
    assert (config, data) == (load_config("default"), path)


def test_run_on_an_address_downloads_it(runs, papers, tmp_path, monkeypatch):
    path = papers(*GOOD)
    asked = []

    def fetch(url, folder, _):
        asked.append((url, folder))
        return path

    monkeypatch.setattr(results_view, "fetch_with_progress", fetch)
    url = "https://example.org/papers.csv"
    assert invoke("run", "--data", url, "--output", tmp_path / "out").exit_code == 0
    assert asked == [(url, tmp_path / "out" / "data")]
    assert runs.calls[0][1] == path


def test_run_tells_of_a_missing_column_before_it_starts(runs, papers, tmp_path):
    path = papers(*GOOD, header="title,abstract,labels")
    done = invoke("run", "--data", path, "--output", tmp_path / "out")
    assert done.exit_code == 3
    assert "data.columns" in done.output
    assert runs.calls == []


def test_a_refused_model_is_shown_and_named(runs, tmp_path):
    runs.blessed = 0
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 5
    assert len(runs.shown) == 1
    assert "uri: lrap is low\n  micro_f1 is low\n" in done.output
    assert "nothing was pushed" in done.output
    assert "is fine" not in done.output


def test_a_model_that_cannot_be_served_is_named_with_its_failed_checks(runs, tmp_path):
    """Whatever the Evaluator's blessing says."""
    long = "\n".join(f"question {i}: INTERNAL: {'x' * 999}" for i in range(9))
    runs.failed = [
        {"name": "label names", "result": "failed", "words": "a label twice\nin paper 3"},
        {"name": "scores", "result": "failed", "words": long},
        {"name": "REST equals gRPC", "result": "skipped", "words": ""},
    ]
    done = invoke("run", "--output", tmp_path / "out")
    assert done.exit_code == 5
    assert len(runs.shown) == 1
    assert "  label names: a label twice\n    in paper 3\n" in done.output
    assert "nothing was pushed" in done.output
    assert str(tmp_path / "infra_validation.json") in done.output.replace("\n", "")
    for name in ("answers over gRPC", "REST equals gRPC", "lrap is low"):
        assert name not in done.output
    # What a server says may be long; the report has all of it.
    assert len(done.output) < 2000


def test_dry_run_shows_the_plan_and_does_nothing(runs, tmp_path):
    output = tmp_path / "out"
    done = invoke("run", "--dry-run", "--output", output, "--set", "trainer.epochs=7")
    assert done.exit_code == 0
    assert runs.calls == []
    assert not output.exists()
    for node, purpose in PURPOSES.items():
        assert f"{node} {purpose}" in flat(done.output)
    _, settings = done.output.split("Settings\n")
    config = Config.model_validate_json(json.dumps(yaml.safe_load(settings)))
    assert config == load_config("sample", ["trainer.epochs=7"])


def test_sample_writes_the_rows_that_check_counts(tmp_path):
    path = tmp_path / "new" / "sample.csv.gz"
    done = invoke("sample", "--rows", 400, "--seed", 5, "--output", path)
    assert done.exit_code == 0
    assert str(path) in done.output
    rows = pd.read_csv(path)
    assert len(rows) == 400
    first = rows[~rows["titles"].duplicated()]
    kept = first.groupby("terms").filter(lambda group: len(group) > 1)

    done = invoke("check", "--data", path)
    assert done.exit_code == 0, done.output
    for line in (
        "400 rows read",
        f"{400 - len(first)} repeated titles, dropped",
        f"{len(kept)} papers kept",
        f"{path} can be used.",
    ):
        assert line in flat(done.output)


def test_the_same_seed_writes_the_same_sample(tmp_path):
    contents = []
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        invoke("sample", "--rows", 50, "--seed", seed, "--output", tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_check_lists_malformed_rows_with_their_lines(papers):
    path = papers(*GOOD, "only one field", '"T","A","no [bold] list"')
    done = invoke("check", "--data", path, "--set", "data.max_bad_share=0.5")
    assert done.exit_code == 0, done.output
    assert "line 62: " in done.output
    assert "line 63: " in done.output
    # The words of the file are no markup.
    assert "'no [bold] list'" in done.output
    assert "2 malformed" in flat(done.output)


def test_check_of_a_file_that_a_run_would_stop_at_is_bad_input(papers):
    path = papers(*GOOD, *(["only one field"] * 9))
    done = invoke("check", "--data", path)
    assert done.exit_code == 3
    assert done.output.count("line ") >= 9
    assert "data.max_bad_share" in done.output
    assert "can be used" not in done.output


def test_check_reads_by_the_settings(papers):
    rows = [f"Body {i},a;b,test" if i % 2 else f"Body {i},a;b,train" for i in range(20)]
    path = papers(*rows, "Last,a;b,val", header="body,tags,part")
    columns = "data.columns={title: null, text: body, labels: tags, split: part}"
    done = invoke("check", "--data", path, "--set", columns, "--set", "data.label_separator=;")
    assert done.exit_code == 0, done.output
    for line in (
        "21 papers kept",
        "10 for training",
        "1 for validation",
        "10 for test",
        "2 labels",
    ):
        assert line in flat(done.output)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A folder that looks like a model, which finds every text's length in it."""
    (tmp_path / "saved_model.pb").touch()

    def suggest(folder, texts):
        assert folder == str(tmp_path)
        return [
            [Suggestion("größe", len(text) / 100, True), Suggestion("[cs.LG]", 0.0, False)]
            for text in texts
        ]

    monkeypatch.setattr(results_view, "suggest_quietly", suggest)
    return tmp_path


def test_predict_shows_labels_best_first(model):
    done = invoke("predict", "--model", model, "A  title\nand [text]", "x")
    assert done.exit_code == 0
    lines = [flat(line) for line in done.output.splitlines()]
    assert lines[0] == "A title and [text]"
    assert lines[1].startswith("* 0.190 größe █")
    assert lines[2] == "0.000 [cs.LG]"
    assert lines[3] == "x"


def test_predict_writes_an_object_a_line_for_programs(model):
    done = invoke("predict", "--model", model, "--json", "ab", "")
    first, second = map(json.loads, done.output.splitlines())
    assert first == {
        "text": "ab",
        "suggestions": [
            {"label": "größe", "score": 0.02, "suggested": True},
            {"label": "[cs.LG]", "score": 0.0, "suggested": False},
        ],
    }
    assert second["text"] == ""


def test_predict_reads_a_text_from_each_line_of_standard_input(model):
    done = invoke("predict", "--model", model, "--json", input="größe\n\n  \nlast")
    assert [json.loads(line)["text"] for line in done.output.splitlines()] == ["größe", "last"]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ("", 2, "no text"),
        (" \n\n", 2, "no text"),
        (b"fine\n\xff\xfe\n", 3, "Standard input is not valid UTF-8"),
    ],
)
def test_predict_without_a_text_is_an_error(model, given, code, message):
    done = invoke("predict", "--model", model, input=given)
    assert done.exit_code == code
    assert message in done.output


def test_predict_without_a_model_says_where_it_looked(tmp_path):
    done = invoke("predict", "--model", tmp_path, "text")
    assert done.exit_code == 2
    assert "no model in" in done.output


INTERVAL = {"value": 0.712, "low": 0.7011, "high": 0.7229}
AHEAD = {"value": 0.0312, "low": 0.0101, "high": 0.0512}
BEHIND = {"value": -0.0312, "low": -0.05, "high": -0.01}


@pytest.fixture
def report(tmp_path):
    """The output folder of a run with a report; its facts can be changed."""

    def write(**changes):
        baselines = {
            "frequent": {"value": 0.3, "difference": AHEAD},
            "linear_svc": {"value": 0.7, "difference": AHEAD},
        }
        facts = {
            "verdict": {"state": "blessed", "reasons": [], "version": "17"},
            "test": {"papers": 1_836, "scored": 1_000, "resamples": 500, "level": 0.9},
            "headline": [
                {"metric": "micro_f1", **INTERVAL, "baselines": baselines},
                {
                    "metric": "lrap",
                    **INTERVAL,
                    "baselines": {
                        **baselines,
                        "linear_svc": {"value": 0.8, "difference": BEHIND},
                    },
                },
            ],
            **changes,
        }
        folder = tmp_path / "report"
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text("page")
        (folder / "report.json").write_text(json.dumps(facts))
        return tmp_path

    return write


def test_report_shows_the_figures_beside_the_best_baseline(report):
    output = report()
    done = invoke("report", "--output", output)
    assert done.exit_code == 0, done.output
    lines = [flat(line) for line in done.output.splitlines()]
    assert lines[0] == "Passed the gate, pushed as version 17"
    assert "this model LinearSVC difference" in lines
    shown = "0.712 [0.701, 0.723]"
    assert f"micro-F1 {shown} 0.700 +0.031 [+0.010, +0.051] better" in lines
    assert f"LRAP {shown} 0.800 -0.031 [-0.050, -0.010] worse" in lines
    assert "most frequent: micro-F1 0.300, LRAP 0.300" in lines
    assert "In brackets: 90% of 500 random draws of 1,000 test papers." in lines
    assert f"Page {output / 'report' / 'index.html'}" in lines
    # It fits into a terminal.
    assert max(map(len, done.output.splitlines()[:6])) <= 80


def test_report_tells_where_a_difference_is_unclear(report):
    unclear = {"value": 0.01, "low": -0.01, "high": 0.03}
    row = {
        "metric": "lrap",
        **INTERVAL,
        "baselines": {"linear_svc": {"value": 0.7, "difference": unclear}},
    }
    done = invoke("report", "--output", report(headline=[row]))
    assert "+0.010 [-0.010, +0.030] unclear" in flat(done.output)


def test_report_without_baselines_shows_the_model_alone(report):
    row = {"metric": "lrap", **INTERVAL, "baselines": {}}
    done = invoke("report", "--output", report(headline=[row]))
    assert done.exit_code == 0, done.output
    assert "LRAP 0.712 [0.701, 0.723]" in flat(done.output)
    assert "difference" not in done.output


def test_report_of_a_refused_model_tells_why(report):
    verdict = {"state": "refused", "reasons": ["lrap [bold] is low"], "version": None}
    done = invoke("report", "--output", report(verdict=verdict))
    assert done.exit_code == 0
    assert "Refused by the gate" in done.output
    assert "lrap [bold] is low" in done.output
    assert "this model" in done.output


def test_report_of_a_model_that_was_not_measured_has_no_table(report):
    verdict = {"state": "not_evaluated", "reasons": ["answers: NaN"], "version": None}
    output = report(verdict=verdict)
    path = output / "report" / "report.json"
    path.write_text(json.dumps({"verdict": verdict}))
    done = invoke("report", "--output", output)
    assert done.exit_code == 0
    assert "answers: NaN" in done.output
    assert "this model" not in done.output
    assert "index.html" in done.output


def test_report_without_one_says_what_to_do(tmp_path):
    done = invoke("report", "--output", tmp_path)
    assert done.exit_code == 2
    assert f"There is no report in {tmp_path}" in flat(done.output)
    assert "arxiv-tagger run --output" in flat(done.output)


def test_a_broken_report_is_named(report):
    output = report()
    (output / "report" / "report.json").write_text("{")
    done = invoke("report", "--output", output)
    assert done.exit_code == 3
    assert "report.json" in done.output


@pytest.mark.parametrize(("opens", "code"), [(True, 0), (False, 2)])
def test_report_opens_the_page_where_there_is_a_browser(report, monkeypatch, opens, code):
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) or opens)
    output = report()
    done = invoke("report", "--output", output, "--open")
    assert done.exit_code == code
    assert asked == [(output / "report" / "index.html").as_uri()]
    assert "0.712" in done.output
    invoke("report", "--output", output)
    assert len(asked) == 1
