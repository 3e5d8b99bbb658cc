"""The commands that ask a server, list what is pushed, and release it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.serving_cli import add_commands
from schema.errors import RefusedError
from serving.client import status
from serving.releases import config_path_of
from tests.support.little_server import Asked, LittleServer, expected

ROOT = Path(__file__).resolve().parents[4]
PROTOCOLS = ["rest", "grpc"]

# Runs a command and names the packages that it loaded.
WATCHER = """
import json, sys
import click
from click.testing import CliRunner
from pipeline.cli.serving_cli import add_commands
group = click.Group()
add_commands(group)
done = CliRunner().invoke(group, sys.argv[1:])
loaded = sorted({name.partition(".")[0] for name in sys.modules})
json.dump([done.exit_code, loaded], sys.stdout)
"""


@pytest.fixture(scope="module")
def shared_server():
    with LittleServer() as server:
        yield server


@pytest.fixture
def server(shared_server):
    shared_server.asked.clear()
    shared_server.busy = 0
    return shared_server


def invoke(*arguments: object, **options):
    group = click.Group()
    add_commands(group)
    return CliRunner().invoke(group, [str(each) for each in arguments], **options)


def query(server, protocol: str, *arguments: object, **options):
    return invoke(
        "query", f"--{protocol}", "--address", server.address(protocol), *arguments, **options
    )


def flat(line: str) -> str:
    return " ".join(line.split())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_query_shows_labels_best_first_as_predict_does(server, protocol):
    done = query(server, protocol, "A title\nand [text]", "x", "--top", 2)
    assert done.exit_code == 0, done.output
    lines = [flat(line) for line in done.output.splitlines()]
    (first, second, _) = expected("A title\nand [text]")
    assert lines[0] == "A title and [text]"
    assert lines[1].startswith(f"* {first.score:.3f} größe █")
    assert lines[2].startswith(f"{second.score:.3f} cs.LG █")
    assert lines[3] == "x"
    assert len(lines) == 6
    assert server.asked[0].texts == ["A title\nand [text]", "x"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_query_writes_an_object_a_line_for_programs(server, protocol):
    done = query(server, protocol, "--json", "ab", "größe")
    assert [json.loads(line) for line in done.output.splitlines()] == [
        {
            "text": text,
            "suggestions": [
                {"label": each.label, "score": each.score, "suggested": each.suggested}
                for each in expected(text)
            ],
        }
        for text in ("ab", "größe")
    ]


def test_rest_is_the_default(server):
    done = invoke("query", "--address", server.rest_address, "--json", "ab")
    assert done.exit_code == 0, done.output
    assert server.asked == [Asked("rest", "arxiv_tagger", None, None, ["ab"])]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_query_asks_for_the_version_or_label_that_is_given(server, protocol):
    query(server, protocol, "--version", 7, "ab")
    query(server, protocol, "--label", "stable", "ab")
    assert [(asked.version, asked.label) for asked in server.asked] == [(7, None), (None, "stable")]


def test_query_reads_a_text_from_each_line_of_standard_input(server):
    done = query(server, "rest", "--json", input="größe\n\n  \nlast")
    assert [json.loads(line)["text"] for line in done.output.splitlines()] == ["größe", "last"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_becomes_a_file_and_a_second_start_goes_on(server, protocol, tmp_path):
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps({"text": f"text {i}"}) + "\n" for i in range(7)) + "{\n")
    output = tmp_path / "out.jsonl"
    arguments = ("--file", papers, "--output", output, "--batch-size", 3, "--top", 1)
    done = query(server, protocol, *arguments)
    assert done.exit_code == 0, done.output
    assert flat(done.output) == (
        f"✓ 8 papers are in {output} 1 rows have no text; their lines have an error instead."
    )
    assert [len(asked.texts) for asked in server.asked] == [3, 3, 1]
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["suggestions"][0]["score"] for line in lines[:7]] == [
        expected(f"text {i}")[0].score for i in range(7)
    ]
    assert {len(line["suggestions"]) for line in lines[:7]} == {1}
    whole = output.read_bytes()
    output.write_bytes(whole[:500])
    done = query(server, protocol, *arguments)
    kept = whole[:500].count(b"\n")
    assert f"8 papers are in {output}, {kept} of them from before" in flat(done.output)
    assert output.read_bytes() == whole


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ["--model", "other", "x"], "has no other"),
        (2, ["--version", "1", "--label", "stable", "x"], "not both"),
        (2, ["--output", "o.jsonl", "x"], "--output goes with --file"),
        (2, ["--file", "p.csv"], "--file needs an --output"),
        (2, ["--file", "p.csv", "--output", "o.jsonl", "x"], "neither with TEXT"),
        (2, ["--file", "p.csv", "--output", "o.jsonl", "--json"], "neither with TEXT"),
        (2, ["--file", "p.txt", "--output", "o.jsonl"], ".jsonl"),
        (3, ["--file", "none.csv", "--output", "o.jsonl"], "no such file"),
        (2, ["--top", "0", "x"], "--top"),
        (2, ["--timeout", "0", "x"], "--timeout"),
        (2, ["--batch-size", "0", "x"], "--batch-size"),
        (2, ["--address", "nowhere", "x"], "HOST:PORT"),
        (2, [], "There is no text"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_an_error_of_query_has_its_exit_code_and_message(server, code, arguments, said):
    done = query(server, "rest", *arguments)
    assert done.exit_code == code, done.output
    assert said in flat(done.output)
    assert "Traceback" not in done.output
    assert "fault of the program" not in done.output


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_query_loads_no_tensorflow_no_tfx_and_no_settings(server, protocol):
    arguments = ["query", f"--{protocol}", "--address", server.address(protocol), "x"]
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    code, loaded = json.loads(done.stdout)
    assert code == 0
    unwanted = {"tensorflow", "tfx", "apache_beam", "keras", "numpy", "pandas", "pydantic", "yaml"}
    assert not unwanted & set(loaded)


@pytest.fixture
def run_dir(tmp_path):
    """The output folder of a run with two versions."""
    base = tmp_path / "out" / "serving" / "arxiv_tagger"
    for number in ("1700000000", "1700086400"):
        extra = base / number / "assets.extra"
        extra.mkdir(parents=True)
        (base / number / "saved_model.pb").write_bytes(b"x" * 2_345_678)
        validation = {"val_micro_f1": 0.5, "val_lrap": 0.25}
        (extra / "model_info.json").write_text(json.dumps({"validation": validation}))
    evaluation = {"micro_f1": 0.6875, "lrap": 0.8125}
    (base / "1700000000" / "assets.extra" / "evaluation.json").write_text(json.dumps(evaluation))
    return tmp_path / "out"


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


def test_release_says_what_changed_and_what_serves_it(run_dir):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    first = invoke("release", "--stable", 1700000000, "--serving", run_dir)
    assert "stable none -> 1700000000" in flat(first.output)
    assert f"arxiv-tagger serve --model_config_file={config}" in flat(first.output)
    options = ("--canary", 1700000000, "--serving", run_dir, "--base-path", "/models/m")
    second = invoke("release", "--stable", 1700086400, *options)
    assert "canary none -> 1700000000" in flat(second.output)
    assert "stable 1700000000 -> 1700086400" in flat(second.output)
    assert "1700000000, 1700086400 of /models/m" in flat(second.output)
    third = invoke("release", "--stable", 1700086400, "--serving", run_dir)
    assert "canary 1700000000 -> none" in flat(third.output)
    assert "stable 1700086400 (as before)" in flat(third.output)


def test_with_an_address_labels_move_when_the_server_has_the_versions(run_dir, monkeypatch):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    invoke("release", "--stable", 1700000000, "--serving", run_dir)
    seen = []

    def look(*arguments: object) -> None:
        text = config.read_text()
        seen.append((arguments, text.count("1700086400"), text.count("stable")))

    monkeypatch.setattr(status, "wait_until_available", look)
    options = ("--serving", run_dir, "--address", "host:1", "--timeout", 7)
    done = invoke("release", "--stable", 1700086400, *options)
    assert done.exit_code == 0, done.output
    # Then it was to be loaded, and had no label yet.
    assert seen == [(("host:1", {1700086400}, 7.0), 1, 1)]
    assert "stable 1700000000 -> 1700086400" in flat(done.output)
    assert config.read_text().count("1700086400") == 2


def test_serve_takes_what_is_released_or_else_the_latest_version(run_dir, monkeypatch):
    served = []
    monkeypatch.setattr(
        "serving.server.__main__.serve_models", lambda **flags: served.append(flags)
    )
    base = run_dir / "serving" / "arxiv_tagger"
    assert invoke("serve", "--model", run_dir).exit_code == 0
    assert (served[-1]["model_name"], served[-1]["model_base_path"]) == ("arxiv_tagger", base)
    assert served[-1]["model_config_file"] is None
    invoke("release", "--stable", 1700000000, "--serving", run_dir)
    assert invoke("serve", "--model", run_dir).exit_code == 0
    assert served[-1]["model_config_file"] == config_path_of(base)
    assert served[-1]["model_config_file_poll_wait_seconds"] == 1
    assert served[-1]["model_base_path"] is None
    done = invoke("serve", "--model_base_path", base, "--model_name", "mine")
    assert done.exit_code == 0
    assert (served[-1]["model_name"], served[-1]["model_config_file"]) == ("mine", None)


def test_serve_refuses_a_release_for_another_machine(run_dir):
    release = ("release", "--stable", 1700000000, "--serving", run_dir)
    invoke(*release, "--base-path", "/models/nowhere")
    done = invoke("serve", "--model", run_dir)
    assert done.exit_code == 2
    assert "/models/nowhere, which is not here" in flat(done.output)


def test_a_server_that_does_not_load_a_version_gets_no_label_for_it(run_dir, monkeypatch):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    invoke("release", "--stable", 1700000000, "--serving", run_dir)

    def refuse(*_: object) -> None:
        raise RefusedError("can't load")

    monkeypatch.setattr(status, "wait_until_available", refuse)
    done = invoke("release", "--stable", 1700086400, "--serving", run_dir, "--address", "host:1")
    assert done.exit_code == 5
    assert "can't load" in done.output
    assert config.read_text().count("1700086400") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "--serving", "{run}/none"],
        ["release", "--stable", "5", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--canary", "5", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--base-path", "here", "--serving", "{run}"],
        ["release", "--serving", "{run}"],
        ["release", "--stable", "latest", "--serving", "{run}"],
    ],
    ids=lambda value: " ".join(value),
)
def test_what_cannot_be_listed_or_released_is_a_usage_error(run_dir, arguments):
    done = invoke(*(each.format(run=run_dir) for each in arguments))
    assert done.exit_code == 2, done.output
    assert "Error: " in done.output
    assert not config_path_of(run_dir / "serving" / "arxiv_tagger").exists()
