"""JSON lines and Parquet as tables: the same values, whatever form holds them."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.errors import BadInputError
from schema.tables import open_table

RECORDS = [
    {"title": "Größe", "abstract": "first\u2028text", "categories": ["cs.LG", "stat.ML"]},
    {"title": None, "abstract": "second", "categories": []},
    {"title": "T", "abstract": "third", "categories": ["a"]},
]
VALUES = [
    ("first\u2028text", ("cs.LG", "stat.ML"), "Größe"),
    ("second", (), ""),
    ("third", ("a",), "T"),
]


def json_lines(records):
    return "".join(json.dumps(each, ensure_ascii=False) + "\r\n" for each in records).encode()


def parquet(records):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def read(tmp_path):
    def read_file(content, name="papers.jsonl", columns=("abstract", "categories"), **options):
        (tmp_path / name).write_bytes(content)
        options = {"optional": ["title"], **options}
        with open_table(str(tmp_path / name), columns, **options) as table:
            return list(table.rows)

    return read_file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("papers.jsonl", json_lines(RECORDS)),
        ("papers.ndjson.gz", gzip.compress(json_lines(RECORDS), mtime=0)),
        ("bom.json", b"\xef\xbb\xbf" + json_lines(RECORDS)),
        # The name of a pipe, or one that says something else.
        ("63", json_lines(RECORDS)),
        ("papers.csv", b"\n" + json_lines(RECORDS)[:-2]),
        ("papers.parquet", parquet(RECORDS)),
        ("data.bin", parquet(RECORDS)),
    ],
)
def test_every_form_gives_the_same_values(read, name, content):
    rows = read(content, name)
    assert [row.values for row in rows] == VALUES
    first = 2 if content.startswith(b"\n") else 1
    assert [row.line for row in rows] == [first, first + 1, first + 2]


@pytest.mark.parametrize("form", [json_lines, parquet])
def test_numbers_and_booleans_are_their_text(read, form):
    record = {"n": [1, 2], "x": 1.5, "yes": True, "none": float("nan"), "i": 7, "f": 1.0}
    (row,) = read(form([record]), columns=list(record), optional=["absent"])
    assert row.values == (("1", "2"), "1.5", "true", "", "7", "1.0", "")


@pytest.mark.parametrize("form", [json_lines, parquet])
def test_other_values_make_a_malformed_row(read, form):
    records = [{"a": {"b": "c"}, "d": "e"}]
    (row,) = read(form(records), columns=["d", "a"])
    assert (row.values, row.problem) == (None, "bad 'a': neither a text nor a list of texts")
    (fine,) = read(form(records), columns=["d"])
    assert fine.values == ("e", "")


def test_a_json_line_that_is_no_object_is_a_malformed_row(read):
    rows = read(b'{"a": 1.10}\n{"a": \n\n[1]\n{"a": "\\ud800"}\n{}', columns=["a"], optional=[])
    assert [(row.line, row.values) for row in rows] == [
        (1, ("1.10",)),
        (2, None),
        (4, None),
        (5, None),
        (6, ("",)),
    ]
    assert rows[1].problem == "not JSON: Expecting value (column 6)"
    assert rows[2][1:] == (("[1]",), None, "not a JSON object")
    assert rows[3].problem == "bad 'a': not valid UTF-8: surrogates not allowed"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b'[\n{"abstract": "A"}\n]\n', "line 1: not JSON"),
        (b'{\n"data": [{"abstract": "A"}]}', "`jq -c '.data[]'` of one named data"),
        (b'[{"abstract": "A"}]', "`jq -c '.[]'` makes that of an array"),
        (
            b'{"abstract": "A", "labels": []}\n{"abstract": "A", "id": 1}\n',
            "line 1: no column 'categories'; the file has 'abstract', 'labels', 'id'. Rename",
        ),
        (b'{"abstract": "\xe9"}\n', "line 1: is not UTF-8"),
        (parquet(RECORDS)[:200], "the Parquet file can't be read from row 1 on"),
        (gzip.compress(parquet(RECORDS), mtime=0), "is Parquet inside gzip. Unpack it first"),
        (parquet([{"abstract": "A"}]), "no column 'categories'; the file has 'abstract'"),
        (
            b"PAR1" + b"\xff" * 40 + parquet(RECORDS)[44:],
            "the Parquet file can't be read from row 1 on",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told(read, content, told):
    with pytest.raises(BadInputError) as caught:
        read(content)
    assert told in str(caught.value)


def test_parquet_of_several_row_groups_is_read_in_batches(read):
    records = [{"abstract": f"text {i}", "categories": [str(i % 7)]} for i in range(5000)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(records), sink, row_group_size=1500)
    rows = read(sink.getvalue().to_pybytes(), optional=[])
    assert [row.line for row in rows] == list(range(1, 5001))
    assert [row.values for row in rows] == [
        (each["abstract"], tuple(each["categories"])) for each in records
    ]
