"""Runs the executor on small files, through artifacts as a pipeline does."""

import bz2
import gzip
import io
import json
import lzma
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2

from components.example_gen.check import check_files
from components.example_gen.settings import Columns, DataSettings
from schema import names
from schema.errors import BadInputError
from tests.support.curation_oracle import (
    labels_of,
    naive_split,
    noisy_rows,
    pandas_papers,
    to_csv,
)
from tests.support.example_gen_run import run

ROWS = noisy_rows(1200, seed=11)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A run on the noisy rows in one file."""
    return run(tmp_path_factory.mktemp("one"), {"papers.csv": to_csv(ROWS)})


def test_examples_equal_the_pandas_steps_and_the_rule_row_by_row(one):
    _, _, kept = pandas_papers(one.folder / "data/papers.csv")
    splits = naive_split(kept["titles"], kept["terms"])
    expected = {name: [] for name in names.SPLITS}
    for title, text, terms in kept.itertuples(index=False, name=None):
        expected[splits[title]].append((title, text, labels_of(terms)))
    assert one.splits() == expected
    assert all(expected.values())


def test_every_form_of_file_gives_the_same_examples(tmp_path):
    rows = [(title, text, labels_of(terms)) for title, text, terms in noisy_rows(300, seed=12)]
    records = [
        {"titles": title, "summaries": text, "terms": list(labels)} for title, text, labels in rows
    ]
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), parquet)
    written = to_csv([(title, text, repr(list(labels))) for title, text, labels in rows])
    expected = run(tmp_path / "csv", {"papers.csv": written})
    forms = {
        "papers.jsonl.xz": lzma.compress("\n".join(map(json.dumps, records)).encode()),
        "papers.parquet": parquet.getvalue(),
        "papers.csv.bz2": bz2.compress(b"\xef\xbb\xbf" + written),
    }
    for name, content in forms.items():
        found = run(tmp_path / name, {name: content})
        assert found.splits() == expected.splits()
        assert found.report() == expected.report()


def test_artifacts_say_what_they_hold(one):
    assert json.loads(one.examples.split_names) == ["train", "val", "test"]
    assert examples_utils.get_file_format(one.examples) == "tfrecords_gzip"
    assert examples_utils.get_payload_format(one.examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    assert sorted(path.name for path in Path(one.curation.uri).iterdir()) == [
        "curation.json",
        "dead_letters.jsonl",
        "labels_left_out.json",
    ]
    assert sorted(path.name for path in Path(one.examples.uri).iterdir()) == [
        "Split-test",
        "Split-train",
        "Split-val",
    ]


def test_row_order_moves_no_paper(tmp_path, one):
    unique = list({row[0]: row for row in reversed(ROWS)}.values())
    shuffled = random.Random(1).sample(unique, k=len(unique))
    other = run(tmp_path, {"papers.csv": to_csv(shuffled)}).splits()
    assert {name: sorted(papers) for name, papers in other.items()} == {
        name: sorted(papers) for name, papers in one.splits().items()
    }


def test_several_files_by_name_equal_one(tmp_path, one):
    files = {
        "b.csv.gz": gzip.compress(to_csv(ROWS[500:900])),
        "c.csv": to_csv([row[::-1] for row in ROWS[900:]], ("terms", "summaries", "titles")),
        "a.csv": to_csv(ROWS[:500]),
    }
    several = run(tmp_path, files, workers=2)
    assert several.splits() == one.splits()
    assert several.report() == one.report()


def test_malformed_rows_are_kept_apart_in_order_and_long_ones_whole(tmp_path):
    bad = [("t", "s"), ("", "s", "['x']"), ("t", "ä\nb", "cs.LG")]
    long = "".join(random.Random(2).choices('ab \n",é', k=2**20))
    files = {
        "a.csv": to_csv([*ROWS, *bad]),
        "b.csv": to_csv([bad[1], *ROWS[:3], ("long", long, ROWS[0][2])]),
    }
    done = run(tmp_path, files)
    first, second = (str(tmp_path / "data" / name) for name in files)
    line = to_csv(ROWS).count(b"\n") + 1
    assert [(x.file, x.line, x.fields) for x in done.dead_letters()] == [
        (first, line, bad[0]),
        (first, line + 1, bad[1]),
        (first, line + 2, bad[2]),
        (second, 2, bad[1]),
    ]
    check = check_files([first], DataSettings())
    assert done.dead_letters()[:3] == list(check.dead_letters)
    report = done.report()
    assert (report.rows_read, report.dead_letters) == (len(ROWS) + 8, 4)
    assert report.repeats == check.curation.repeats + 3
    papers = [paper for papers in done.splits().values() for paper in papers]
    assert [abstract for title, abstract, _ in papers if title == "long"] == [long]


def test_own_columns_separator_and_split_without_titles(tmp_path):
    columns = Columns(title=None, text="body", labels="tags", split="part")
    settings = DataSettings(columns=columns, label_separator=";")
    rows = [
        ("a", "x; y", "train"),
        ("b", "x; y", "validation"),
        ("c", "x; y", "test"),
        ("d", "y", "train"),
        ("a", "x; y", "test"),
    ]
    done = run(tmp_path, {"a.csv": to_csv(rows, ("body", "tags", "part"))}, settings)
    assert done.splits() == {
        "train": [("", "a", ("x", "y"))],
        "val": [("", "b", ("x", "y"))],
        "test": [("", "c", ("x", "y"))],
    }
    assert done.report() == check_files([str(tmp_path / "data/a.csv")], settings).curation


def error(folder, files, settings=None, **options):
    with pytest.raises(BadInputError) as caught:
        run(folder, files, settings, **options)
    assert not list((folder / "examples").rglob("*.gz"))
    assert not (folder / "curation/curation.json").exists()
    return str(caught.value)


GOOD = to_csv(ROWS[:60])


def test_every_broken_file_is_named_in_one_clean_error(tmp_path):
    files = {
        "a.csv": b"titles,summaries\na,b\n",
        "b.csv": GOOD,
        "c.csv": GOOD + b'a,"b',
        "d.csv.gz": gzip.compress(GOOD)[:-20],
    }
    told = error(tmp_path, files).split("\n")
    data = tmp_path / "data"
    assert len(told) == 3
    assert told[0].startswith(f"{data}/a.csv, line 1: no column 'terms'")
    assert told[1].startswith(f"{data}/c.csv, line {GOOD.count(10) + 1}: a quote opens here")
    assert told[2].startswith(f"{data}/d.csv.gz, line ")
    assert "cut short" in told[2]


def test_no_matching_file(tmp_path):
    told = error(tmp_path, {"papers.csv": GOOD}, pattern="*.txt")
    assert f"no file matches {tmp_path}/data/*.txt" in told


def test_too_many_malformed_rows(tmp_path):
    rows = [("t", "s", "['x'"), ("t", "", "['x']"), *ROWS[:60], ("t", "s")]
    with pytest.raises(BadInputError) as caught:
        run(tmp_path, {"papers.csv": to_csv(rows)})
    told = str(caught.value)
    checked = check_files([str(tmp_path / "data/papers.csv")], DataSettings()).problem
    told, how = told.split("; `arxiv-tagger check` with the same --profile and --set ")
    assert (told, how) == (checked, "lists all malformed rows")
    assert "3 of 63 rows (4.76%) are malformed" in told
    assert "line 2: bad 'terms'" in told
    assert not (tmp_path / "curation/curation.json").exists()
