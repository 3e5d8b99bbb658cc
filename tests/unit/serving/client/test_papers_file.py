"""Files of papers as `query --file` reads them: CSV as a run does, and JSON lines."""

from __future__ import annotations

import gzip
import json

import pytest

from components.example_gen.rows import DeadLetter
from components.example_gen.rows import read_rows as read_as_run
from components.example_gen.settings import DataSettings
from schema.errors import BadInputError
from schema.tables import Form
from serving.client.papers_file import Layout, PaperColumns, read_rows
from tests.support.curation_oracle import noisy_rows, to_csv

HEADER = b"titles,summaries,terms\n"
NOISY = to_csv(noisy_rows(300, seed=6))
# Each file has good and bad rows that are the same to both. The reader itself has tests of its own.
ODD_FILES = {
    "noisy.csv": NOISY,
    "noisy.csv.gz": gzip.compress(NOISY),
    "bom.csv": b"\xef\xbb\xbf" + HEADER + "Größe,漢字 🎓,['x']\n".encode(),
    "blank.csv": b"\n" + HEADER + b"\n  \t\nT,A,['x']\n\n\nU,B,['x']\n\n",
    "order.csv": b"terms,id,summaries,titles\n['x'],1,A,T\n['x'],2,B,U\n",
    "width.csv": HEADER + b"T,A\nT,A,['x']\nT,A,['x'],more\n\"\"\n",
    "empty.csv": HEADER + b"T, ,['x']\nT,\"\",['x']\nT,A,['x']\n",
    "separators.csv": HEADER + "T,\u2028 and \x0c and \x1c in a line,['x']\n".encode(),
    "long.csv": HEADER + b"T," + b"word " * 200_000 + b",['x']\n",
}
BROKEN_FILES = {
    "none.csv": None,
    "columns.csv": b"titles,body,terms\nT,A,['x']\n",
    "latin1.csv": HEADER + b"T,A,['x']\nT,na\xefve,['x']\n",
    "open.csv": HEADER + b"T,A,['x']\nT,\"A,['x']\n",
    "cut.csv.gz": gzip.compress(NOISY)[:-9],
}


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file


@pytest.mark.parametrize("name", ODD_FILES)
def test_a_csv_file_gives_the_papers_that_a_run_reads(write, name):
    path = write(name, ODD_FILES[name])
    expected = [
        (row.line, "", row.reason)
        if isinstance(row, DeadLetter)
        else (row.line, row.paper.text, None)
        for row in read_as_run(str(path), DataSettings())
    ]
    found = list(read_rows(path))
    assert [(row.line, row.text, row.problem) for row in found] == expected
    assert [row.number for row in found] == list(range(1, len(found) + 1))


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_broken_csv_file_gives_the_error_of_a_run(write, name):
    path = write(name, BROKEN_FILES[name])
    with pytest.raises(BadInputError) as expected:
        list(read_as_run(str(path), DataSettings()))
    with pytest.raises(BadInputError) as found:
        list(read_rows(path))
    assert str(found.value).split(". Rename")[0] == str(expected.value).split(". Rename")[0]
    assert str(path) in str(found.value)


def test_titles_may_be_missing_from_a_csv_file(write):
    path = write("papers.csv", b'summaries\nA\n""\n \nB\n')
    assert [(row.line, row.text, row.problem) for row in read_rows(path)] == [
        (2, "A", None),
        (3, "", "empty 'summaries'"),
        (5, "B", None),
    ]
    path = write("some.csv", b"titles,summaries\n,A\nT,B\n")
    assert [row.text for row in read_rows(path)] == ["A", "T\nB"]


def test_json_has_any_of_three_forms(write):
    forms = {
        "a text": {"text": "a text"},
        "T\nA": {"title": "T", "abstract": "A"},
        "T\nS": {"titles": "T", "summaries": "S"},
        "A": {"abstract": "A"},
        "B": {"title": None, "abstract": "B"},
        "A\u2028B": {"title": "", "abstract": "A\u2028B"},
    }
    content = "\n".join(json.dumps(form, ensure_ascii=False) for form in forms.values()).encode()
    for path in (write("p.jsonl", content), write("p.jsonl.gz", gzip.compress(content))):
        assert [row.text for row in read_rows(path)] == list(forms)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{broken", "not JSON"),
        (b'["a list"]', "not a JSON object"),
        (b'{"title": "only"}', "empty 'text'"),
        (b'{"abstract": "  "}', "empty 'text', 'abstract'"),
        (b'{"text": ["A"]}', "bad 'text': a list where a text is expected"),
        (b'{"title": {}, "abstract": "A"}', "bad 'title': neither a text nor a list of texts"),
        (b'{"text": "\\ud800"}', "bad 'text': not valid UTF-8"),
    ],
)
def test_a_bad_json_line_is_a_bad_row(write, content, problem):
    path = write("p.jsonl", b'{"text": "first"}\n\n' + content + b'\n{"text": "last"}')
    first, bad, last = read_rows(path)
    assert (first.text, last.text) == ("first", "last")
    assert (bad.number, bad.line, bad.text) == (2, 3, "")
    assert bad.problem.startswith(problem)


def test_a_changed_row_has_another_digest(write):
    def digests(content):
        return [row.digest for row in read_rows(write("p.csv", content))]

    before = digests(HEADER + b"T,A,x\nT,,x\n")
    assert digests(HEADER + b"T,A,x\nT,,x\n") == before
    changed = digests(HEADER + b"U,A,x\nU,,x\n")
    assert not {*before} & {*changed}


def test_columns_and_form_may_be_given_and_others_carried_along(write):
    content = b"7\tT\tA\n8\tU\t\n9\tV\n"
    layout = Layout(
        (PaperColumns("head", "body"),), Form("\t", ("id", "head", "body")), keep=("id",)
    )
    good, empty, short = read_rows(write("papers.tsv", content), layout)
    assert (good.text, good.kept) == ("T\nA", {"id": "7"})
    assert (empty.problem, empty.kept) == ("empty 'body'", {"id": "8"})
    assert (short.problem, short.kept) == ("2 fields where the header has 3", {})
    (other, *_) = read_rows(write("papers.tsv", b"6" + content[1:]), layout)
    assert other.digest != good.digest


def test_a_column_that_is_to_be_carried_along_must_be_there(write):
    path = write("p.jsonl", b'{"text": "A", "id": 1}\n')
    with pytest.raises(BadInputError, match="no column 'number'; the file has 'text', 'id'"):
        list(read_rows(path, Layout(keep=("number",))))
