"""What the driver adds to the cache's key, without a run."""

import os
import shutil

import pytest
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.utils import proto_utils

from components.example_gen.component import CsvExampleGen
from components.example_gen.driver import SpanDriver
from components.example_gen.settings import DataSettings
from schema.errors import BadInputError


class Archive:
    """A folder of spans, and how the driver sees it."""

    def __init__(self, root):
        self.root = root
        for span in (1, 2, 3):
            self.write(span, f"content of {span}")

    def path(self, span):
        return self.root / f"span-{span}/papers.csv"

    def write(self, span, content):
        self.path(span).parent.mkdir(exist_ok=True)
        self.path(span).write_text(content)

    def resolve(self, spans=2, pattern="span-{SPAN}/papers.csv", driver=SpanDriver):
        settings = DataSettings(spans=spans).model_dump_json()
        component = CsvExampleGen(str(self.root), pattern, settings, "digest")
        properties = {
            key: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
            for key, value in component.exec_properties.items()
        }
        return driver(None).resolve_exec_properties(properties, None, None)

    def window(self, **options):
        return self.resolve(**options)["window"]


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path)


def test_the_window_names_its_spans(archive):
    assert archive.window().startswith("2, 3: ")
    assert archive.window(spans=0).startswith("1, 2, 3: ")
    assert archive.window() == archive.window()
    assert archive.resolve()["span"] == 3


def test_a_changed_file_changes_the_window_it_is_in(archive):
    before = archive.window()
    stat = archive.path(2).stat()
    # As many bytes, at the same time: only the content tells.
    archive.write(2, "kontent of 2")
    os.utime(archive.path(2), ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert archive.window() != before
    archive.write(2, "content of 2")
    archive.write(1, "outside the window")
    assert archive.window() == before


def test_a_file_that_came_or_went_changes_the_window(archive):
    pattern = "span-{SPAN}/*.csv"
    before = archive.window(pattern=pattern)
    more = archive.path(2).with_name("more.csv")
    shutil.copy(archive.path(3), more)
    came = archive.window(pattern=pattern)
    more = more.rename(more.with_name("others.csv"))
    renamed = archive.window(pattern=pattern)
    assert len({before, came, renamed}) == 3
    assert archive.window(pattern="span-{SPAN}/papers.csv") == before


def test_a_pattern_without_a_span_has_no_window(archive):
    assert archive.window(pattern="span-2/papers.csv") == ""


def test_a_missing_span_is_told_in_our_message_not_tfxs(archive):
    shutil.rmtree(archive.root)
    with pytest.raises(BadInputError, match="no span found"):
        archive.resolve()


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{SPAN}/a*.csv", ["9/a.csv", "10/a1.csv", "10/a2.csv"]),
        ("s{SPAN:3}-v{VERSION}.csv", ["s001-v9.csv", "s002-v9.csv", "s002-v10.csv"]),
        ("{YYYY}-{MM}-{DD}/a.csv", ["2024-02-29/a.csv", "2023-12-31/a.csv"]),
        ("{YYYY}{MM}{DD}/v{VERSION:2}.csv", ["20240229/v01.csv", "20240229/v12.csv"]),
        ("plain*.csv", ["plain.csv"]),
    ],
)
def test_the_latest_span_and_version_are_those_that_tfx_resolves(tmp_path, pattern, names):
    archive = Archive(tmp_path)
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    ours = archive.resolve(1, pattern)
    del ours["window"]
    assert ours == archive.resolve(1, pattern, FileBasedDriver)


def test_a_folder_with_brackets_is_no_pattern(tmp_path):
    archives = []
    for name in ("a", "a[1]*?"):
        (tmp_path / name).mkdir()
        archives.append(Archive(tmp_path / name))
    for path in (archives[0].path(3), archives[1].path(3)):
        os.utime(path, (1, 1))
    for pattern in ("span-{SPAN}/papers.csv", "span-3/papers.csv"):
        plain, odd = (archive.resolve(1, pattern) for archive in archives)
        assert "num_files:1" in odd["input_fingerprint"]
        assert odd["input_fingerprint"] == plain["input_fingerprint"]
        assert (odd["span"], odd["input_config"]) == (plain["span"], plain["input_config"])
