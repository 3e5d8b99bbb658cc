"""`arxiv-tagger query`, asking a small server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import flat, invoke
from tests.support.little_server import Asked, LittleServer, expected

ROOT = Path(__file__).resolve().parents[4]
PROTOCOLS = ["rest", "grpc"]

# Runs a command and names the packages that it loaded.
WATCHER = """
import json, sys
from click.testing import CliRunner
from pipeline.cli.main import main
done = CliRunner().invoke(main, sys.argv[1:])
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


def query(server, protocol: str, *arguments: object, **options):
    return invoke(
        "query", f"--{protocol}", "--address", server.address(protocol), *arguments, **options
    )


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
def test_a_file_becomes_a_file_and_a_second_start_resumes(server, protocol, tmp_path):
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps({"text": f"text {i}"}) + "\n" for i in range(7)) + "{\n")
    output = tmp_path / "out.jsonl"
    arguments = ("--file", papers, "--output", output, "--batch-size", 3, "--top", 1)
    done = query(server, protocol, *arguments)
    assert done.exit_code == 0, done.output
    assert flat(done.output) == (
        f"✓ 8 papers are in {output} 1 rows have no text; their lines hold an error instead."
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
    assert "This is a bug" not in done.output


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
