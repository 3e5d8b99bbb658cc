"""Each profile of docs/data.md reads a small file in the form that it is for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.example_gen.check import check_files
from pipeline.config import load_config
from tests.support.curation_oracle import to_csv
from tests.support.example_gen_run import run

PAGE = Path(__file__).resolve().parents[3] / "docs" / "data.md"
PROFILES = dict(re.findall(r"### (.+?)\n.*?```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
COUNT = 60


def text(number):
    return f"Some text, number {number}"


def lines(rows):
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def reuters():
    splits = ["train", "train", "val", "test"]
    rows = [
        (f"Story {n}", text(n), "['grain', 'wheat']" if n % 2 else "[]", splits[n // 2 % 4])
        for n in range(COUNT)
    ]
    return "a.csv", to_csv(rows, ("title", "body", "topics", "split"))


def eur_lex():
    # Concepts 0 to 2 are common, and each document has one of its own.
    rows = [
        {"title": f"Act {n}", "text": text(n), "eurovoc_concepts": [str(n % 3), f"own {n}"]}
        for n in range(COUNT)
    ]
    return "a.jsonl", json_lines(rows)


def mesh():
    rows = [
        (f"T {n}", text(n), "|Humans|Mice|" if n % 2 else "|Mice|Humans|") for n in range(COUNT)
    ]
    return "a.csv", to_csv(rows, ("Title", "Abstract", "MeSH"))


def stack_exchange():
    rows = [("How do I?", text(n), "<python><pandas>" if n % 2 else "<c++>") for n in range(COUNT)]
    return "a.csv", to_csv(rows, ("Title", "Body", "Tags"))


def toxic():
    rows = [
        (str(n), text(n), *("1" if n % 3 == k else "0" for k in range(1, 7))) for n in range(COUNT)
    ]
    names = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
    return "a.csv", to_csv(rows, ("id", "comment_text", *names))


def annif():
    return "a.tsv", lines((text(n), "<http://x/1> <http://x/2>") for n in range(COUNT))


def arxiv():
    rows = [
        {"id": str(n), "title": f"T {n}", "abstract": text(n), "categories": "cs.LG stat.ML 68T45"}
        for n in range(COUNT)
    ]
    return "a.json", json_lines(rows)


def multi_eurlex():
    columns = {"text": list(map(text, range(COUNT))), "labels": [[n % 2, 20] for n in range(COUNT)]}
    return "a.parquet", parquet(columns)


def go_emotions():
    # The last two comments are the same.
    return "a.tsv", lines((text(min(n, COUNT - 2)), "2,27", f"id{n}") for n in range(COUNT))


def library():
    rows = "".join(f'Book {n};"{text(n)}";"Art; History;"\n' for n in range(COUNT))
    return "a.csv", ("sep=;\nTitle;Summary;Subjects\n" + rows).encode()


FILES = {
    # The file, and: papers kept, kept without labels, dropped without labels, labels, left out.
    "Reuters-21578": (reuters, (30, 0, 30, 2, 0)),
    "EUR-Lex": (eur_lex, (60, 0, 0, 3, 60)),
    "MeSH": (mesh, (60, 0, 0, 2, 0)),
    "Stack Exchange": (stack_exchange, (60, 0, 0, 3, 0)),
    "Toxic comments": (toxic, (60, 20, 0, 2, 0)),
    "Annif": (annif, (60, 0, 0, 2, 0)),
    "arXiv's own dump": (arxiv, (60, 0, 0, 2, 1)),
    "MultiEURLEX": (multi_eurlex, (60, 0, 0, 3, 0)),
    "GoEmotions": (go_emotions, (60, 0, 0, 2, 0)),
    "A library's export": (library, (60, 0, 0, 2, 0)),
}


def test_the_page_has_a_profile_for_each():
    assert PROFILES.keys() == FILES.keys()


@pytest.mark.parametrize("name", FILES)
def test_check_and_curation_read_it(name, tmp_path):
    profile = tmp_path / "mine.yaml"
    profile.write_text(PROFILES[name], "utf-8")
    settings = load_config(str(profile)).data
    make, expected = FILES[name]
    file, content = make()
    done = run(tmp_path, {file: content}, settings)
    check = check_files([str(tmp_path / "data" / file)], settings)
    report = check.curation
    assert done.report() == report
    assert (report.rows_read, report.dead_letters, report.repeats) == (COUNT, 0, 0)
    assert expected == (
        report.kept,
        report.unlabelled_kept,
        report.unlabelled,
        report.labels,
        report.labels_left_out,
    )
    assert check.problem is None
