"""A file of papers becomes a file of suggestions, in one go or in several."""

from __future__ import annotations

import csv
import fcntl
import json
import resource
from pathlib import Path

import pytest

from schema.errors import BadInputError, TaggerError, UsageError
from schema.text import join_title_and_abstract
from serving.client.file_query import FileQueryResult, suggest_file
from serving.client.transport import Target
from tests.support.little_server import expected

PAPERS = [(f"Title {i}", f'Abstract "{i}",\nüber {"n" * i} lines') for i in range(23)]
TEXTS = [join_title_and_abstract(title, abstract) for title, abstract in PAPERS]


class Asked:
    """Answers by the rule of the little server, and gives up after so many requests."""

    target = Target("arxiv_tagger", label="stable")

    def __init__(self, requests: int = 10**9) -> None:
        self.batches: list[list[str]] = []
        self._left = requests

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.batches for text in batch]

    def suggest(self, texts):
        if self._left == 0:
            raise TaggerError("no server")
        self._left -= 1
        self.batches.append(list(texts))
        return [expected(text) for text in texts]


def write_csv(path: Path, rows: list[tuple[str, ...]], header=("titles", "summaries")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture
def papers(tmp_path):
    return write_csv(tmp_path / "papers.csv", PAPERS)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "suggestions.jsonl"


@pytest.fixture
def whole(papers, tmp_path):
    """The output of an undisturbed run."""
    path = tmp_path / "whole.jsonl"
    suggest_file(Asked(), papers, path, batch_size=4)
    return path.read_bytes()


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_row_gets_a_line_that_names_it(papers, output):
    client, seen = Asked(), []
    result = suggest_file(
        client, papers, output, batch_size=4, progress=lambda *at: seen.append(at)
    )
    assert result == FileQueryResult(rows=23, kept=0, bad=0)
    assert [len(batch) for batch in client.batches] == [4, 4, 4, 4, 4, 3]
    assert seen == [(done, 23) for done in (0, 4, 8, 12, 16, 20, 23)]
    written = lines(output)
    for i, (line, text) in enumerate(zip(written, TEXTS, strict=True)):
        # A header, and then two lines a paper.
        assert (line["row"], line["line"]) == (i + 1, 2 + 2 * i)
        assert line["suggestions"] == [
            {"label": each.label, "score": each.score, "suggested": each.suggested}
            for each in expected(text)
        ]
    assert "größe" in output.read_text(encoding="utf-8")


def test_top_keeps_only_the_best(papers, output):
    suggest_file(Asked(), papers, output, top=2)
    assert {len(line["suggestions"]) for line in lines(output)} == {2}


@pytest.mark.parametrize("requests", range(6))
def test_interrupted_run_resumes(papers, output, whole, requests):
    with pytest.raises(TaggerError, match="no server"):
        suggest_file(Asked(requests), papers, output, batch_size=4)
    assert output.read_bytes() == b"".join(whole.splitlines(keepends=True)[: 4 * requests])
    client = Asked()
    result = suggest_file(client, papers, output, batch_size=4)
    assert output.read_bytes() == whole
    assert client.texts == TEXTS[4 * requests :]
    assert result == FileQueryResult(rows=23, kept=4 * requests, bad=0)


def test_output_is_the_same_wherever_a_kill_cut_it(papers, output, whole):
    cuts = [*range(0, len(whole), 97), len(whole) - 1, len(whole)]
    cuts += [len(b"".join(whole.splitlines(keepends=True)[:5])) + more for more in (-1, 0, 1)]
    for cut in cuts:
        output.write_bytes(whole[:cut])
        client = Asked()
        result = suggest_file(client, papers, output, batch_size=4)
        finished = whole[:cut].count(b"\n")
        assert output.read_bytes() == whole, cut
        assert result.kept == finished
        assert client.texts == TEXTS[finished:]


def test_finished_lines_are_not_rewritten(papers, output, whole):
    """The file stays the same one, so that `tail -f` loses nothing."""
    output.write_bytes(whole[:1000])
    before = output.stat().st_ino
    with output.open("rb") as follower:
        start = follower.read(500)
        suggest_file(Asked(), papers, output, batch_size=4)
        assert start + follower.read() == whole
    assert output.stat().st_ino == before


def test_each_batch_is_written_before_the_next_is_asked(papers, output):
    sizes = []

    class Looking(Asked):
        def suggest(self, texts):
            sizes.append(output.read_bytes().count(b"\n"))
            return super().suggest(texts)

    suggest_file(Looking(), papers, output, batch_size=10)
    assert sizes == [0, 10, 20]


def test_rows_may_be_added_at_the_end(papers, output, whole):
    output.write_bytes(whole)
    with papers.open("a", encoding="utf-8") as file:
        file.write("New,A new abstract\r\n")
    client = Asked()
    suggest_file(client, papers, output)
    assert client.batches == [["New\nA new abstract"]]
    assert output.read_bytes().startswith(whole)
    assert lines(output)[-1]["row"] == 24


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda papers: [*papers[:3], ("Title 3", "other"), *papers[4:]], "line 8 differs"),
        (lambda papers: papers[:3] + papers[4:], "line 8 differs"),
        (lambda papers: [("new", "row"), *papers], "line 2 differs"),
        (lambda papers: papers[:6], "has only 6 rows"),
    ],
)
def test_changed_input_is_refused(papers, output, whole, change, said):
    begun = b"".join(whole.splitlines(keepends=True)[:9])
    output.write_bytes(begun)
    write_csv(papers, change(PAPERS))
    client = Asked()
    with pytest.raises(BadInputError, match=said) as raised:
        suggest_file(client, papers, output)
    assert str(papers) in str(raised.value)
    assert str(output) in str(raised.value)
    assert client.batches == []
    assert output.read_bytes() == begun


def test_changed_bad_row_is_noticed(tmp_path, output):
    path = write_csv(tmp_path / "p.csv", [("T", ""), ("T", "fine")])
    suggest_file(Asked(), path, output)
    write_csv(path, [("Other", ""), ("T", "fine")])
    with pytest.raises(BadInputError, match="has changed"):
        suggest_file(Asked(), path, output)


@pytest.mark.parametrize(
    "content",
    [b"my notes\n", b'{"row": 2, "digest": "x"}\n', b'{"row": 1}\n', b"[1]\n", b"\n", b"\xff\n"],
)
def test_foreign_file_is_never_written_to(papers, output, content):
    output.write_bytes(content)
    with pytest.raises(UsageError, match="line 1: not written by this command"):
        suggest_file(Asked(), papers, output)
    assert output.read_bytes() == content


def test_the_input_is_never_written_to(papers, tmp_path):
    content = papers.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(papers)
    for path in (papers, tmp_path / "link.jsonl"):
        with pytest.raises(UsageError, match="is the input"):
            suggest_file(Asked(), papers, path)
    assert papers.read_bytes() == content


def test_output_is_locked(papers, output):
    with output.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with pytest.raises(UsageError, match="another process"):
            suggest_file(Asked(), papers, output)
    suggest_file(Asked(), papers, output)
    assert len(lines(output)) == 23


def test_output_that_cannot_be_written_is_an_error(papers, tmp_path):
    with pytest.raises(TaggerError, match="can't be written"):
        suggest_file(Asked(), papers, tmp_path / "none" / "x.jsonl")
    for path in (tmp_path, Path("/dev/null")):
        with pytest.raises(UsageError, match="is not a file"):
            suggest_file(Asked(), papers, path)


def test_full_disk_is_an_error_and_resumes(papers, output, whole):
    """The system refuses to let files grow, in the middle of a line."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) // 2, limits[1]))
    try:
        with pytest.raises(TaggerError, match="the same command resumes"):
            suggest_file(Asked(), papers, output, batch_size=4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert whole.startswith(output.read_bytes())
    suggest_file(Asked(), papers, output, batch_size=4)
    assert output.read_bytes() == whole


def test_bad_rows_are_reported_in_their_place(tmp_path, output):
    path = tmp_path / "papers.jsonl"
    content = [
        '{"text": "T"}',
        "{broken",
        "",
        "[1]",
        '{"text": ""}',
        '{"text": ["T"]}',
        '{"text": "Last"}',
    ]
    path.write_text("\n".join(content))
    client = Asked()
    result = suggest_file(client, path, output, batch_size=3)
    assert result == FileQueryResult(rows=6, kept=0, bad=4)
    # A batch of bad rows alone is no request.
    assert client.batches == [["T"], ["Last"]]
    written = lines(output)
    assert [line["line"] for line in written] == [1, 2, 4, 5, 6, 7]
    assert ["error" in line for line in written] == [False, True, True, True, True, False]
    for line, text in ((written[0], "T"), (written[-1], "Last")):
        assert line["suggestions"][0]["score"] == expected(text)[0].score
    # And a second start skips them like the others.
    assert suggest_file(Asked(0), path, output).kept == 6


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.csv", b"summaries\nfine\na\0b\n", "line 3: contains a NUL"),
        ("p.jsonl", b"\n\n", "p.jsonl: is empty"),
    ],
)
def test_broken_file_is_an_error_before_anything_is_asked(tmp_path, output, name, content, told):
    path = tmp_path / name
    path.write_bytes(content)
    client = Asked()
    with pytest.raises(BadInputError, match=told) as raised:
        suggest_file(client, path, output)
    assert str(path) in str(raised.value)
    assert client.batches == []
    assert not output.exists()
