"""Which spans and files a window holds, on real folders and on a made-up bucket."""

import glob
import random
import re

import pytest

from components.example_gen.settings import DataSettings
from components.example_gen.spans import find_window, has_span, split_path
from schema.errors import BadInputError


@pytest.fixture
def archive(tmp_path):
    """Makes files below a folder; gives the folder."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return str(tmp_path)

    return make


def window(base, pattern="span-{SPAN}/papers.csv", count=0, allow_gaps=False, resolved=None):
    settings = DataSettings(spans=count, allow_span_gaps=allow_gaps)
    return find_window(base, pattern, settings, glob.glob, resolved)


def months(*numbers):
    return [f"span-{number}/papers.csv" for number in numbers]


@pytest.mark.parametrize(
    ("count", "spans"),
    [(1, (11,)), (2, (10, 11)), (3, (9, 10, 11)), (0, (8, 9, 10, 11)), (9, (8, 9, 10, 11))],
)
def test_the_latest_spans_by_number_not_by_name(archive, count, spans):
    base = archive(*months(9, 11, 8, 10))
    found = window(base, count=count)
    assert found.spans == spans
    assert found.available == 4
    assert found.paths == [f"{base}/span-{span}/papers.csv" for span in spans]


def test_older_spans_come_first_and_a_span_by_name(archive):
    base = archive("s10/a.csv", "s9/b.csv", "s9/a.csv.gz", "s9/notes.txt", "s10/sub/c.csv")
    found = window(base, "s{SPAN}/*.csv*")
    names = ["s9/a.csv.gz", "s9/b.csv", "s10/a.csv"]
    assert found.paths == [f"{base}/{name}" for name in names]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{SPAN}.csv", ["2.csv", "3.csv"]),
        ("a-{SPAN}-b.csv", ["a-2-b.csv", "a-3-b.csv"]),
        ("{SPAN:3}/x.csv", ["002/x.csv", "003/x.csv"]),
        ("*/{SPAN}/part-[0-9].csv", ["en/2/part-1.csv", "en/3/part-1.csv"]),
        ("p?-{SPAN}.csv", ["p1-2.csv", "p1-3.csv"]),
        ("(a+b).{SPAN}.csv", ["(a+b).2.csv", "(a+b).3.csv"]),
    ],
)
def test_patterns(archive, pattern, names):
    base = archive(*names)
    found = window(base, pattern)
    assert found.spans == (2, 3)
    assert found.paths == [f"{base}/{name}" for name in names]


def test_what_came_after_the_resolved_span_is_left_out(archive):
    base = archive(*months(*range(1, 13)))
    found = window(base, count=3, resolved="span-10/papers.csv")
    assert (found.spans, found.available) == ((8, 9, 10), 10)
    padded = archive(*[f"p/{span:02}/x.csv" for span in (1, 2, 3)])
    assert window(padded, "p/{SPAN:2}/x.csv", resolved="p/02/x.csv").spans == (1, 2)
    assert window(padded, "p/{SPAN:2}*/x.csv", resolved="p/02*/x.csv").spans == (1, 2)


@pytest.mark.parametrize(
    ("numbers", "count", "missing"),
    [
        ((1, 2, 4), 2, 3),
        ((1, 3, 4, 5), 0, 2),
        ((202411, 202412, 202502), 0, 202501),
        ((0, 7), 0, 1),
    ],
)
def test_a_gap_in_the_window_stops_unless_allowed(archive, numbers, count, missing):
    base = archive(*months(*numbers))
    with pytest.raises(BadInputError, match=rf"span {missing} is missing between .*data\.spans"):
        window(base, count=count)
    allowed = window(base, count=count, allow_gaps=True)
    assert allowed.spans == numbers[-count:]


@pytest.mark.parametrize(
    ("numbers", "count"),
    [((1, 3, 4), 2), ((202411, 202412, 202501), 0), ((5,), 0), ((190012, 190101), 0)],
)
def test_no_gap(archive, numbers, count):
    assert window(archive(*months(*numbers)), count=count).spans == numbers[-count:]


def test_names_without_a_number_are_refused(archive):
    base = archive(*months(1, "old"))
    with pytest.raises(
        BadInputError, match=r"span-old/papers\.csv matches .* 'old' is not a number"
    ):
        window(base)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("span-{SPAN}.csv", "span-03.csv"),
        ("span-{SPAN:2}.csv", "span-3.csv"),
        ("span-{SPAN:2}.csv", "span-123.csv"),
        ("span-{SPAN:2}.csv", "span-003.csv"),
    ],
)
def test_numbers_must_be_written_as_tfx_writes_them(archive, pattern, name):
    base = archive(name)
    told = re.escape(f"{base}/{name}: the number")
    with pytest.raises(BadInputError, match=told):
        window(base, pattern)


def test_no_span_at_all(archive):
    base = archive("elsewhere.csv")
    told = re.escape(f"no span found: no file matches {base}/span-{{SPAN}}/papers.csv")
    with pytest.raises(BadInputError, match=told):
        window(base)
    with pytest.raises(BadInputError, match="no span found"):
        window(archive(*months(5)), resolved="span-4/papers.csv")


@pytest.mark.parametrize(
    "pattern",
    [
        "{SPAN}/{SPAN}.csv",
        "{SPAN:}/a.csv",
        "{SPAN:0}.csv",
        "{SPAN:x}.csv",
        "{VERSION}.csv",
        "{YYYY}-{MM}.csv",
        "{SPAN}/{YYYY}-{MM}-{DD}.csv",
        "{SPAN}/{VERSION}/{VERSION}.csv",
        "{YYYY:4}-{MM}-{DD}.csv",
    ],
)
def test_wrong_patterns(archive, pattern):
    with pytest.raises(BadInputError, match=r"needs one \{SPAN\}"):
        window(archive("1/a.csv"), pattern)


def test_days_are_spans_numbered_from_1970_and_told_by_date(archive):
    base = archive(*(f"{day}/a.csv" for day in ("2023-12-31", "2024-01-01", "2024-01-03")))
    found = window(base, "{YYYY}-{MM}-{DD}/a.csv", 1)
    assert (found.spans, found.last) == ((19725,), "2024-01-03/a.csv")
    assert found.describe(1) == "span 2024-01-03, 1 of 3 (1 file)"
    with pytest.raises(BadInputError, match="span 2024-01-02 is missing between 2024-01-01 and"):
        window(base, "{YYYY}-{MM}-{DD}/a.csv", 2)
    early = window(base, "{YYYY}-{MM}-{DD}/a.csv", 2, resolved="2024-01-01/a.csv")
    assert early.paths == [f"{base}/2023-12-31/a.csv", f"{base}/2024-01-01/a.csv"]


@pytest.mark.parametrize("pattern", ["{YYYY}{MM}{DD}.csv", "{YYYY}/{MM}/x-{DD}.csv"])
def test_a_date_in_other_forms(archive, pattern):
    names = [pattern.format(YYYY="2024", MM="02", DD=day) for day in ("28", "29")]
    base = archive(*names)
    assert window(base, pattern).paths == [f"{base}/{name}" for name in names]
    wrong = pattern.format(YYYY="2023", MM="02", DD="29")
    with pytest.raises(BadInputError, match=f"{wrong}: there is no such day"):
        window(archive(wrong), pattern)


def test_of_each_span_the_latest_version_is_read(archive):
    names = ["1/v9/a.csv", "1/v10/a.csv", "1/v10/b.csv", "2/v3/a.csv", "2/v2/b.csv"]
    base = archive(*names)
    found = window(base, "{SPAN}/v{VERSION}/*.csv")
    assert found.paths == [f"{base}/{name}" for name in (*names[1:3], "2/v3/a.csv")]
    assert (found.spans, found.version, found.last) == ((1, 2), 3, "2/v3/*.csv")
    before = window(base, "{SPAN}/v{VERSION}/*.csv", resolved="2/v2/*.csv")
    assert before.paths == [f"{base}/{name}" for name in (*names[1:3], "2/v2/b.csv")]
    with pytest.raises(BadInputError, match=r"'9' is not written as in .*\{VERSION:2\} has"):
        window(base, "{SPAN}/v{VERSION:2}/*.csv")


def test_the_folder_is_no_pattern(archive, tmp_path):
    base = archive(*(f"a[1]?*/{name}" for name in months(1, 2)), *months(3))
    assert window(f"{base}/a[1]?*").paths == [f"{base}/a[1]?*/{name}" for name in months(1, 2)]


def test_a_finder_may_be_remote():
    """Google Storage's finder writes whole addresses, in no particular order."""
    files = [f"gs://bucket/archive/{span}/{part}.csv" for span in range(1, 30) for part in "ab"]
    random.Random(0).shuffle(files)

    def find(pattern):
        expression = re.compile(re.escape(pattern).replace(r"\*", "[^/]*"))
        return [file for file in files if expression.fullmatch(file)]

    found = find_window("gs://bucket/archive", "{SPAN}/*.csv", DataSettings(spans=12), find)
    assert found.spans == tuple(range(18, 30))
    assert found.paths == sorted(file for file in files if int(file.split("/")[4]) >= 18)


@pytest.mark.parametrize(
    ("numbers", "asked", "message"),
    [
        ((4,), 1, "span 4, 1 of 1 (1 file)"),
        ((2, 3, 4), 1, "span 4, 1 of 3 (1 file)"),
        ((2, 3, 4), 2, "spans 3 to 4, 2 of 3 (2 files)"),
        ((2, 3, 4), 0, "spans 2 to 4, 3 of 3 (3 files)"),
        (
            (2, 3),
            12,
            "spans 2 to 3, 2 of 2 (2 files); data.spans asks for 12, but there are no more",
        ),
    ],
)
def test_the_message_says_what_is_read(archive, numbers, asked, message):
    assert window(archive(*months(*numbers)), count=asked).describe(asked) == message


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("archive/span-{SPAN}/papers.csv", ("archive", "span-{SPAN}/papers.csv")),
        ("/data/{SPAN:2}.csv.gz", ("/data", "{SPAN:2}.csv.gz")),
        ("{SPAN}.csv", (".", "{SPAN}.csv")),
        ("/{SPAN}/a.csv", ("/", "{SPAN}/a.csv")),
        ("a/v{VERSION}/{YYYY}/{MM}-{DD}.csv", ("a", "v{VERSION}/{YYYY}/{MM}-{DD}.csv")),
    ],
)
def test_a_path_is_split_above_the_span(path, parts):
    assert has_span(path)
    assert split_path(path) == parts


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("papers.csv", (".", "papers.csv")),
        ("/papers.csv", ("/", "papers.csv")),
        ("/{SPANS}/SPAN-{yyyy}.csv", ("/{SPANS}", "SPAN-{yyyy}.csv")),
        ("/data/[my] papers*.csv", ("/data", "[[]my] papers[*].csv")),
    ],
)
def test_another_path_is_a_folder_and_a_file(path, parts):
    assert not has_span(path)
    assert split_path(path) == parts
