"""`arxiv-tagger query`, asking a small server."""

from __future__ import annotations

import json

import pytest

from tests.support.command_line import flat, invoke, watch
from tests.support.file_server import Answer, FileServer
from tests.support.little_server import Asked, LittleServer, expected

PROTOCOLS = ["rest", "grpc"]


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


def test_query_shows_labels_best_first_as_predict_does(server):
    done = query(server, "rest", "A title\nand [text]", "x", "--top", 2)
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
    assert server.asked == [Asked("rest", "arxiv_tagger", None, "stable", ["ab"])]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_query_asks_for_the_version_or_label_that_is_given(server, protocol):
    query(server, protocol, "--version", 7, "ab")
    query(server, protocol, "--label", "stable", "ab")
    assert [(asked.version, asked.label) for asked in server.asked] == [(7, None), (None, "stable")]


def test_labels_have_the_names_of_the_settings(server, tmp_path):
    names = ("--set", "report.label_names={cs.LG: Machine Learning}")
    output, papers = tmp_path / "out.jsonl", tmp_path / "papers.csv"
    papers.write_text("titles,summaries\na,b\n")
    asked = query(server, "rest", "--json", *names, "ab").output
    assert query(server, "rest", *names, "--file", papers, "--output", output).exit_code == 0
    for answer in (asked, output.read_text()):
        suggestions = json.loads(answer)["suggestions"]
        assert [each.get("name") for each in suggestions] == [None, "Machine Learning", None]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_becomes_a_file_and_a_second_start_resumes(server, protocol, tmp_path):
    papers = tmp_path / "papers.jsonl"
    papers.write_text("".join(json.dumps({"text": f"text {i}"}) + "\n" for i in range(7)) + "{\n")
    output = tmp_path / "out.jsonl"
    arguments = ("--file", papers, "--output", output, "--batch-size", 3, "--top", 1)
    done = query(server, protocol, *arguments)
    assert done.exit_code == 0, done.output
    assert flat(done.output) == (
        f"✓ 8 papers are in {output} Rows without text: 1; their lines hold an error instead."
    )
    assert [len(asked.texts) for asked in server.asked] == [3, 3, 1]
    whole = output.read_bytes()
    output.write_bytes(whole[:500])
    done = query(server, protocol, *arguments)
    kept = whole[:500].count(b"\n")
    assert f"8 papers are in {output}, {kept} of them from before" in flat(done.output)
    assert output.read_bytes() == whole


def test_an_error_names_the_url_that_was_given(server, tmp_path):
    with FileServer() as files:
        files.answers["/a.csv"] = Answer(b"titles\na\n")
        url = files.url("/a.csv")
        done = query(server, "rest", "--file", url, "--output", tmp_path / "out.jsonl")
    assert done.exit_code == 3
    assert f"{url}, line 1: no column" in flat(done.stderr)


def test_a_file_is_read_by_a_profile_and_columns_are_carried_along(server, tmp_path):
    papers, profile = tmp_path / "papers.csv", tmp_path / "mine.yaml"
    papers.write_text("id;head;body\n7;T;A\n8;;B\n")
    profile.write_text("data: {columns: {title: head, text: body}}\nreport: {item: ticket}")
    output = tmp_path / "out.jsonl"
    settings = ("--profile", profile, "--set", "data.field_separator=;", "--keep", "id")
    done = query(server, "rest", "--file", papers, "--output", output, *settings)
    assert done.exit_code == 0, done.output
    assert server.asked[0].texts == ["T\nA", "B"]
    written = output.read_bytes()
    assert [json.loads(line)["columns"] for line in written.splitlines()] == [
        {"id": "7"},
        {"id": "8"},
    ]
    done = query(server, "rest", "--file", papers, "--output", output, *settings)
    assert "2 tickets are in" in done.output
    assert output.read_bytes() == written
    done = query(server, "rest", "--file", papers, "--output", output, *settings[:-2])
    assert (done.exit_code, "other columns to --keep" in flat(done.output)) == (2, True)
    settings = (*settings, "--label", "canary")
    done = query(server, "rest", "--file", papers, "--output", output, *settings)
    told = f"{output} was begun with arxiv_tagger label stable, not arxiv_tagger label canary."
    assert (done.exit_code, told in flat(done.output)) == (2, True)
    assert output.read_bytes() == written


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ["--model", "other", "x"], "has no other"),
        (2, ["--version", "1", "--label", "stable", "x"], "not both"),
        (2, ["--output", "o.jsonl", "x"], "--output goes with --file"),
        (2, ["--keep", "id", "x"], "--keep goes with --file"),
        (2, ["--file", "p.csv"], "--file needs an --output"),
        (2, ["--file", "p.csv", "--output", "o.jsonl", "x"], "combined with TEXT"),
        (2, ["--file", "p.csv", "--output", "o.jsonl", "--json"], "combined with TEXT"),
        (3, ["--file", "none.csv", "--output", "o.jsonl"], "There is no file none.csv"),
        (3, ["--file", "/dev/null", "--output", "o.jsonl"], "/dev/null is not a file"),
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


def test_query_loads_no_tensorflow_no_tfx_and_no_settings(server):
    codes, loaded = watch(
        *(["query", f"--{each}", "--address", server.address(each), "x"] for each in PROTOCOLS)
    )
    assert codes == [0, 0]
    unwanted = {"tensorflow", "tfx", "apache_beam", "keras", "numpy", "pandas", "pydantic", "yaml"}
    assert not unwanted & loaded


def test_many_lines_are_asked_about_in_parts_that_can_be_explained(server):
    done = query(server, "grpc", "--json", input="".join(f"{i}\n" for i in range(300)))
    texts = [json.loads(line)["text"] for line in done.output.splitlines()]
    assert texts == [str(i) for i in range(300)]
    assert [len(asked.texts) for asked in server.asked] == [256, 44]
