"""Rows of a CSV file become papers, or dead letters that say why not."""

import pytest
from pydantic import ValidationError

from components.example_gen.label_values import parse_labels
from components.example_gen.rows import DeadLetter, PaperRow, read_rows
from components.example_gen.settings import Columns, DataSettings
from components.papers.raw_paper import RawPaper
from schema.errors import BadInputError
from tests.support.curation_oracle import labels_of, noisy_rows, to_csv


def read(tmp_path, content, columns=None, separator=None):
    path = tmp_path / "papers.csv"
    path.write_bytes(content)
    settings = DataSettings(columns=columns or Columns(), label_separator=separator)
    return list(read_rows(str(path), settings))


def reasons(tmp_path, rows, separator=None, columns=None, header=("titles", "summaries", "terms")):
    found = read(tmp_path, to_csv(rows, header), columns, separator)
    return [row.reason if isinstance(row, DeadLetter) else None for row in found]


def test_rows_become_papers(tmp_path):
    rows = noisy_rows(100, seed=1)
    papers = read(tmp_path, to_csv(rows))
    assert [row[1:] for row in papers] == [
        (RawPaper(title, abstract, labels_of(terms)), terms, None)
        for title, abstract, terms in rows
    ]


def test_dead_letter_has_file_line_reason_and_raw_fields(tmp_path):
    content = b"titles,summaries,terms\na,\"b\nb\",['c']\nd,e\n"
    paper, letter = read(tmp_path, content)
    assert isinstance(paper, PaperRow)
    path = str(tmp_path / "papers.csv")
    assert letter == DeadLetter(path, 4, "2 fields where the header has 3", ("d", "e"))


def test_dead_letter_survives_json():
    letter = DeadLetter("gs://b/ä.csv", 12, 'bad "terms"', ("a\nb", "", "漢 \u2028"))
    assert "\n" not in letter.to_json()
    assert DeadLetter.from_json(letter.to_json()) == letter


def test_empty_title_or_abstract(tmp_path):
    rows = [("", "b", "['c']"), (" \n", "b", "['c']"), ("a", "", "['c']"), ("a", "\t", "['c']")]
    found = reasons(tmp_path, rows)
    assert (
        found == ["empty 'titles'; data.columns.title may be null"] * 2 + ["empty 'summaries'"] * 2
    )


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ("cs.LG", "is not a Python list"),
        ("['cs.LG'", "is not a Python list"),
        ("'cs.LG'", "is not a Python list"),
        ("{'cs.LG'}", "is not a Python list"),
        ("{'cs.LG': 1}", "is not a Python list"),
        ("__import__('os')", "is not a Python list"),
        ("[" * 500 + "]" * 500, "is not a Python list"),
        ("['cs.LG', 7.5]", "the label 7.5 is not a string"),
        ("['cs.LG', True]", "the label True is not a string; quote it or leave it out"),
        ("<a><b>", "set data.label_format to tags"),
        ("a;b", "set data.label_separator"),
        ("['cs.LG' 'stat.ML']", "has two strings without a comma between them"),
        ("['a', 'b'\n 'c']", "has two strings without a comma between them"),
        ("['cs.LG', None]", "the label None is not a string"),
        ("['cs.LG', '']", "a label is empty"),
        ("['cs.LG', ' \\n']", "a label is empty"),
        ("['cs\\x00LG']", "control character; remove it"),
        ("['\\ud800']", "UTF-8"),
    ],
)
def test_bad_list_literals(tmp_path, terms, reason):
    (found,) = reasons(tmp_path, [("a", "b", terms)])
    assert found.startswith("bad 'terms': ")
    assert reason in found


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ("x;;y", "a label is empty"),
        ("['x', 'y']", "set data.label_separator to null"),
        ("[]", "set data.label_separator to null"),
        ("<x><y>", "set data.label_format to tags"),
        (" <x y>", "set data.label_format to tags"),
        (
            "['x' 'y']",
            "has two strings without a comma between them; write what NumPy's tolist() returns",
        ),
        ("['x', 'y", "quote each label, as in ['a', 'b'], or drop the brackets"),
    ],
)
def test_bad_separated_labels(tmp_path, terms, reason):
    (found,) = reasons(tmp_path, [("a", "b", terms)], ";")
    assert reason in found


@pytest.mark.parametrize("separator", [",", None])
@pytest.mark.parametrize(
    ("terms", "remedy"),
    [
        ("[Bug, Login]", "quote each label, as in ['a', 'b'], or drop the brackets"),
        ("{'a','b'}", "it looks like a set or an object; write a list, such as ['a', 'b']"),
        ("array(['a', 'b'],\n dtype=object)", "it looks like a NumPy array; write what its tol"),
    ],
)
def test_brackets_around_the_labels_are_told(tmp_path, terms, remedy, separator):
    (found,) = reasons(tmp_path, [("a", "b", terms)], separator)
    assert f"is not a Python list of strings; {remedy}" in found
    assert "label_separator" not in found


@pytest.mark.parametrize(
    ("value", "separator", "labels"),
    [
        ("['a', 'b']", None, ("a", "b")),
        ("('a',)", None, ("a",)),
        (" ['a']", None, ("a",)),
        ("['b', 'a', 'b', 'b ']", None, ("b", "a")),
        ("['68T07 (Neural\\n  networks), 62F15']", None, ("68T07 (Neural networks), 62F15",)),
        ("a; b ;c", ";", ("a", "b", "c")),
        ("b;a;b", ";", ("b", "a")),
        ("I.2.6, x || y", "||", ("I.2.6, x", "y")),
        ("a;b;", ";", ("a", "b")),
        ("[a];[b]", ";", ("[a]", "[b]")),
        ("<a>;<b>", ";", ("<a>", "<b>")),
        ("nan;a", ";", ("nan", "a")),
        (" nan", ",", ()),
        ("NaN", ",", ()),
        ("None", None, ()),
        ("null", ",", ()),
        ("|a|b|", "|", ("a", "b")),
        ("a  b\t", " ", ("a", "b")),
        (" ; ;", ";", ()),
        ("", None, ()),
        ("  ", ";", ()),
        ("[]", None, ()),
        ("()", None, ()),
        ("[1, 12, '1']", None, ("1", "12")),
        ("[\"it's\", \"a' 'b\"]  # 'x' 'y'", None, ("it's", "a' 'b")),
        (("a; b", " c"), ";", ("a; b", "c")),
        ((), None, ()),
    ],
)
def test_labels(value, separator, labels):
    assert parse_labels(value, None, separator) == labels


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ("<a><b c>", ("a", "b c")),
        ("\t<http://x/1> <http://x/2>\n<a>", ("http://x/1", "http://x/2", "a")),
        ("", ()),
    ],
)
def test_tags(value, labels):
    assert parse_labels(value, "tags") == labels


@pytest.mark.parametrize(
    ("value", "reason"),
    [("<a>b<c>", "not a row of tags"), ("<a", "not a row of tags"), ("<>", "a label is empty")],
)
def test_bad_tags(value, reason):
    with pytest.raises(ValueError, match=reason):
        parse_labels(value, "tags")


def test_a_column_for_each_label(tmp_path):
    columns = Columns(title=None, text="text", labels=("toxic", "rude words"))
    rows = [("t", "1", "0"), ("t", "1.0", "True"), ("t", "false", ""), ("t", "0", "2"), ("t", "1")]
    found = read(tmp_path, to_csv(rows, ("text", "toxic", "rude words")), columns)
    assert [row.paper.labels for row in found[:3]] == [("toxic",), ("toxic", "rude words"), ()]
    assert [row.reason for row in found[3:]] == [
        "bad 'rude words': '2' is not 0 or 1",
        "2 fields where the header has 3",
    ]


def test_the_header_again_is_malformed(tmp_path):
    again = to_csv([("a", "b", "['c']")])
    found = read(tmp_path, again + b"\xef\xbb\xbf" + again)
    assert [row.line for row in found] == [2, 3, 4]
    assert found[1].reason == "the header stands here again"


def test_a_row_without_labels_is_an_error_where_the_settings_say_so(tmp_path):
    path = tmp_path / "papers.csv"
    path.write_bytes(to_csv([("a", "b", "['c']"), ("d", "e", "['x']"), ("f", "g", "[]")]))
    settings = DataSettings(unlabelled="error")
    with pytest.raises(BadInputError, match=r"line 4: no labels\. Set data\.unlabelled"):
        list(read_rows(str(path), settings))
    with pytest.raises(BadInputError, match="line 3: no labels are left"):
        list(read_rows(str(path), settings, left_out={"x"}))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"label_format": "tags", "label_separator": ";"}, "label_format tags and label_separator"),
        ({"label_format": "list", "label_separator": ";"}, "label_format list and label_separator"),
        ({"columns": Columns(labels=("a",)), "label_format": "tags"}, "columns.labels as a list"),
        ({"label_format": "separated"}, "label_separator must be set"),
        ({"label_pattern": "[a"}, "is not a regular expression"),
    ],
)
def test_settings_that_contradict_each_other(settings, told):
    with pytest.raises(ValidationError, match=told):
        DataSettings(**settings)


def test_own_columns_and_split(tmp_path):
    columns = Columns(title="name", text="body", labels="tags", split="part")
    header = ("part", "tags", "id", "body", "name")
    rows = [
        (part, "x|y", "1", "text", f"name {part}")
        for part in ("train", "val", "validation", "test")
    ]
    papers = read(tmp_path, to_csv(rows, header), columns, "|")
    assert [paper.split for paper in papers] == ["train", "val", "val", "test"]
    assert papers[0] == (2, RawPaper("name train", "text", ("x", "y")), "x|y", "train")
    bad = [("dev", "x", "1", "t", "n"), ("", "x", "1", "t", "n")]
    assert reasons(tmp_path, bad, "|", columns, header) == [
        "bad 'part': 'dev' is not one of train, val, validation, test",
        "bad 'part': '' is not one of train, val, validation, test",
    ]
