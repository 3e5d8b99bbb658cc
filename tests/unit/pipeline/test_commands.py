"""What each command does, with the pipeline and the model replaced by stand-ins."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from pipeline import local_run, results_view
from pipeline.cli import main
from pipeline.config import Config, load_config
from pipeline.node_facts import PURPOSES
from pipeline.sample.generator import DEFAULT_ROWS
from serving.suggestion import Suggestion
from tests.support.node_results import result


def invoke(*arguments: object, **options: object):
    return CliRunner().invoke(main, [str(each) for each in arguments], **options)


def flat(text: str) -> str:
    return " ".join(text.split())


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
    stub = SimpleNamespace(read_refusals=lambda uri: [f"{uri}: lrap is low", "micro_f1 is low"])
    monkeypatch.setitem(sys.modules, "components.evaluator.results", stub)
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
