import csv
import gzip
import io

import pandas as pd
import pytest

from schema import csv_file, streams
from schema.errors import BadInputError
from schema.tables import Form, open_table
from tests.support.curation_oracle import noisy_rows, to_csv

HEADER = b"titles,summaries,terms\n"
COLUMNS = ["titles", "summaries", "terms"]


def read(path, columns=COLUMNS, **options):
    with open_table(str(path), columns, **options) as table:
        return list(table.rows)


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="papers.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


@pytest.mark.parametrize("name", ["papers.csv", "papers.csv.gz"])
def test_reads_what_pandas_reads(write, name):
    content = to_csv(noisy_rows(300, seed=1))
    path = write(gzip.compress(content) if name.endswith(".gz") else content, name)
    expected = pd.read_csv(path, keep_default_na=False)
    assert [row.values for row in read(path)] == list(expected.itertuples(index=False, name=None))


def test_each_record_has_the_line_it_starts_on(write):
    rows = noisy_rows(200, seed=2)
    line, expected = 2, []
    for title, text, terms in rows:
        expected.append(line)
        line += 1 + title.count("\n") + text.count("\n") + terms.count("\n")
    assert [row.line for row in read(write(to_csv(rows)))] == expected


def test_blank_lines_are_skipped_and_counted(write):
    path = write(b"\n" + HEADER + b"\n  \t\na,b,c\n\n\n" + b"d,e,f\n\n")
    assert [(row.line, row.fields) for row in read(path)] == [
        (5, ("a", "b", "c")),
        (8, ("d", "e", "f")),
    ]


def test_quoted_empty_field_on_its_own_is_a_row(write):
    (row,) = read(write(HEADER + b'""\n'))
    assert row == (2, ("",), None, "1 fields where the header has 3")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_breaks_of_every_kind(write, newline):
    text = f'titles,summaries,terms{newline}a,"b{newline}b",c{newline}d,e,f'
    rows = read(write(text.encode()))
    assert [(row.line, row.values) for row in rows] == [
        (2, ("a", f"b{newline}b", "c")),
        (4, ("d", "e", "f")),
    ]


def test_columns_in_the_asked_order_and_others_left_out(write):
    (row,) = read(write(b"id,b,a\n7,x,y\n"), ["a"], optional=["c", "b"])
    assert row.values == ("y", "", "x")
    assert row.fields == ("7", "x", "y")


@pytest.mark.parametrize(("line", "width"), [(b"a,b\n", 2), (b"a,b,c,d\n", 4)])
def test_wrong_number_of_fields_is_kept_without_values(write, line, width):
    good, bad = read(write(HEADER + b"a,b,c\n" + line))
    assert good.values == ("a", "b", "c")
    assert bad.problem == f"{width} fields where the header has 3"
    assert bad.values is None
    assert len(bad.fields) == width


def test_field_limit_is_raised_and_never_lowered(write):
    before = csv.field_size_limit()
    try:
        csv.field_size_limit(10)
        text = "x" * 1000
        assert read(write(HEADER + f"t,{text},c\n".encode()))[0].values == ("t", text, "c")
        csv.field_size_limit(2**30)
        read(write(HEADER + b"a,b,c\n"))
        assert csv.field_size_limit() == 2**30
    finally:
        csv.field_size_limit(before)


def test_opener_and_streaming(write):
    served = []

    class Stream(io.BytesIO):
        def readinto(self, buffer):
            served.append(len(buffer))
            return super().readinto(memoryview(buffer)[:1000])

    content = HEADER + b"a,b,c\n" * 5000
    with open_table("gs://bucket/x.csv", COLUMNS, lambda path: Stream(content)) as table:
        next(table.rows)
        assert len(served) < 5


def fault(path, columns=COLUMNS, **options):
    with pytest.raises(BadInputError) as caught:
        read(path, columns, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_missing_file_or_folder_for_a_file(tmp_path):
    assert "no such file" in fault(tmp_path / "none.csv")
    assert "can't be opened" in fault(tmp_path)


@pytest.mark.parametrize("name", ["papers.csv", "papers.csv.gz"])
@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_empty_file(write, content, name):
    packed = gzip.compress(content) if content and name.endswith(".gz") else content
    assert "is empty" in fault(write(packed, name))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER, "has a header but no rows"),
        (HEADER.strip(), "has a header but no rows"),
        (HEADER + b"\n\n", "has a header but no rows"),
        (
            b"titles,abstract\na,b\n",
            "line 1: no column 'summaries', 'terms'; the file has 'titles', 'abstract'. "
            "Rename the columns in the file",
        ),
        (b"titles,summaries,terms,terms\n", "line 1: more than one column 'terms'"),
        (HEADER + b"a,b,c\nd,\0,f\n", "line 3: contains a NUL"),
        # The record starts on line 22, its last quote opens on line 24.
        (
            HEADER + b'a,"b\nb",c\n' * 10 + b'"t\nt","s\ns",c d,"open\n' + b"x,y,z\n" * 5,
            "line 24: a quote opens here and is not closed by the end of the file (line 29)",
        ),
        # The open quote is closed by the next one.
        (
            HEADER + b'a,b,c\nd,"open,f\ng,"h",i\n',
            "line 4: text follows the closing quote of a field that opens on line 3.",
        ),
        (
            HEADER + b'a,"b\nb" c,d\n',
            "line 3: text follows the closing quote of a field that opens on line 2.",
        ),
    ],
)
def test_a_broken_file_is_told_with_the_line(write, content, told):
    assert told in fault(write(content))


def test_an_optional_column_may_not_come_twice(write):
    path = write(b"titles,terms,terms\n")
    assert "more than one column 'terms'" in fault(path, ["titles"], optional=["terms"])


@pytest.mark.parametrize("before", [0, 1, 700, 20_000])
def test_not_utf8_names_the_line(write, before):
    row = 'é,"b\r\nb",c\n'.encode()
    content = HEADER + row * before + b"a,b,c\xe9\n" + row * 3000
    message = fault(write(content))
    assert f"line {2 * before + 2}: is not UTF-8 (byte 0xe9)" in message


def test_doubled_quotes_are_fine(write):
    content = HEADER + b'"""a""","x""\n""y",c""d\n' + b'e,"open'
    assert read(write(HEADER + b'"""a""","x""\n""y",c""d\n'))[0].values == (
        '"a"',
        'x"\n"y',
        'c""d',
    )
    assert "line 4: a quote opens here" in fault(write(content))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            b'a,"open,c\n' + b"d,e,f\n" * 500,
            "line 2: a quote opens here and is not closed within 1000 characters",
        ),
        (b"a,b,c\nd," + b"e" * 2000 + b",f\n", "line 3: field larger than field limit"),
    ],
)
def test_a_field_over_the_limit_stops(write, monkeypatch, rows, told):
    monkeypatch.setattr(csv_file, "MAX_FIELD_CHARACTERS", 1000)
    before = csv.field_size_limit(1000)
    try:
        assert told in fault(write(HEADER + rows))
    finally:
        csv.field_size_limit(before)


def test_line_without_end_stops_at_the_limit(write, monkeypatch):
    monkeypatch.setattr(streams, "MAX_LINE_CHARACTERS", 1000)
    assert "line 2: is over 1000 characters long" in fault(write(HEADER + b"e" * 5000))


def test_rows_before_a_fault_are_yielded(write):
    path = write(HEADER + b'a,b,c\nd,"open')
    with open_table(str(path), COLUMNS) as table:
        assert next(table.rows).values == ("a", "b", "c")
        with pytest.raises(BadInputError):
            next(table.rows)


def test_read_error_names_the_line():
    class Broken(io.BytesIO):
        def readinto(self, buffer):
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().readinto(memoryview(buffer)[:30])

    content = HEADER + b"a,b,c\n" * 100
    message = fault("x.csv", open_file=lambda path: Broken(content))
    assert "line 3: reading fails here (Input/output error)" in message


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"titles;summaries;terms\n", "separated by a semicolon: set data.field_separator to ';'"),
        (b"id\ttitles\tsummaries\tterms\n", "by a tab: set data.field_separator to '\\t'"),
        (b"a|b\n", "by a '|': set data.field_separator to '|'"),
        (b'"titles";"summaries";"terms"\n', "by something else, set data.field_separator to it"),
        (
            b"A first text of more than six words\t<http://example.org/a>\n",
            "by a tab: set data.field_separator to '\\t'. The first line looks like a row: list "
            "the names of the columns in data.header",
        ),
        (b"titles,a;b,terms\n", "Rename the columns in the file"),
    ],
)
def test_what_the_first_line_looks_like_is_told(write, content, hint):
    assert fault(write(content + b"a,b,c\n")).endswith(hint)


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_another_separator(write, separator):
    content = to_csv(noisy_rows(100, seed=7))
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    found = read(write(text.getvalue().encode()), form=Form(separator))
    assert [row.fields for row in found] == [tuple(row) for row in rows[1:]]
    text = HEADER.decode().replace(",", separator) + f'a{separator}b{separator}"c'
    assert "line 2: a quote opens here" in fault(write(text.encode()), form=Form(separator))


@pytest.mark.parametrize("first", [b"sep=;\r\n", b'\xef\xbb\xbf"sep=;"\n'])
def test_a_line_that_names_the_separator_is_understood(write, first):
    (row,) = read(write(first + b"titles;summaries;terms\r\na;b;c\r\n"))
    assert row == (3, ("a", "b", "c"), ("a", "b", "c"), "")


def test_a_file_without_a_header(write):
    form = Form("\t", ("summaries", "terms"))
    path = write(b"first text\t<a> <b>\nsecond\t<c>\n")
    rows = read(path, ["terms", "summaries"], form=form)
    assert [(row.line, *row.values) for row in rows] == [
        (1, "<a> <b>", "first text"),
        (2, "<c>", "second"),
    ]
    assert "no column 'titles'; the file has 'summaries', 'terms'" in fault(path, form=form)
