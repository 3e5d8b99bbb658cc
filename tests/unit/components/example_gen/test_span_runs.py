"""A growing archive through TFX's own launcher: what is read, and when the cache answers."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.types import artifact_utils

from components.example_gen.check import check_files
from components.example_gen.component import CsvExampleGen
from components.example_gen.driver import SpanDriver
from components.example_gen.settings import DataSettings
from components.papers.examples import read_papers
from pipeline.beam_settings import BeamSettings
from pipeline.local.runner import run_pipeline
from schema import names
from schema.errors import BadInputError
from tests.support.curation_oracle import noisy_rows, to_csv

ROWS = noisy_rows(900, seed=5)
TWO = DataSettings(spans=2)


class Silent:
    """An observer that keeps quiet."""

    def started(self, node_id):
        pass

    def finished(self, result):
        pass

    def failed(self, node_id, seconds):
        pass


class Archive:
    """A folder of spans, and the runs on it."""

    def __init__(self, root):
        self.root = root
        self.metadata = root / "metadata.sqlite"

    def write(self, span, rows):
        path = self.path(span)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_csv(rows))

    def path(self, span):
        return self.root / f"data/span-{span}/papers.csv"

    def run(self, settings=TWO, pattern="span-{SPAN}/papers.csv"):
        example_gen = CsvExampleGen(
            str(self.root / "data"), pattern, settings.model_dump_json(), "digest"
        )
        graph = tfx.dsl.Pipeline(
            pipeline_name="spans",
            pipeline_root=str(self.root / "out"),
            components=[example_gen],
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(str(self.metadata)),
            beam_pipeline_args=BeamSettings().pipeline_args(),
        )
        (result,) = run_pipeline(graph, Silent()).values()
        return result


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path)
    made.write(1, ROWS[:500])
    made.write(2, ROWS[300:700])
    return made


def report(result):
    path = Path(result.artifact("curation").uri) / names.CURATION_FILE
    return json.loads(path.read_text())


def spans_read(result):
    return result.artifact("curation").get_string_custom_property("spans")


def texts(result):
    """The text of each title, over all splits."""
    found = {}
    for split in names.SPLITS:
        folder = artifact_utils.get_split_uri([result.artifact("examples")], split)
        for paper in read_papers(folder):
            assert paper.title not in found
            found[paper.title] = paper.abstract
    return found


def test_a_third_span_moves_the_window(archive):
    first = archive.run()
    assert (first.cached, spans_read(first)) == (False, "1, 2")
    paths = [str(archive.path(span)) for span in (1, 2)]
    assert report(first) == vars(check_files(paths, TWO).curation)

    again = archive.run()
    assert again.cached
    assert again.artifact("examples").uri == first.artifact("examples").uri

    archive.write(3, ROWS[600:])
    third = archive.run()
    assert (third.cached, spans_read(third)) == (False, "2, 3")
    assert third.artifact("examples").get_int_custom_property("span") == 3
    paths = [str(archive.path(span)) for span in (2, 3)]
    assert report(third) == vars(check_files(paths, TWO).curation)
    assert archive.run().cached


def test_a_changed_older_file_is_not_cached(archive):
    assert not archive.run().cached
    before = archive.path(1).stat()
    content = archive.path(1).read_bytes()
    # As many bytes, at the same time: only the content tells.
    archive.path(1).write_bytes(content.replace(b"graph", b"grape"))
    os.utime(archive.path(1), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not archive.run().cached
    assert archive.run().cached

    # An older file outside the window says nothing.
    archive.write(3, ROWS[600:])
    assert not archive.run().cached
    archive.write(1, ROWS[:50])
    assert archive.run().cached
    # Another window is another run.
    assert not archive.run(DataSettings(spans=3)).cached
    assert not archive.run(DataSettings(spans=0)).cached


def test_an_older_file_that_came_or_went_is_not_cached(archive):
    pattern = "span-{SPAN}/*.csv"
    assert not archive.run(pattern=pattern).cached
    more = archive.path(1).with_name("more.csv")
    shutil.copy(archive.path(2), more)
    assert not archive.run(pattern=pattern).cached
    more.rename(more.with_name("others.csv"))
    assert not archive.run(pattern=pattern).cached
    more.with_name("others.csv").unlink()
    # What was there before is in the cache.
    assert archive.run(pattern=pattern).cached


def test_of_repeats_the_older_span_wins(tmp_path):
    archive = Archive(tmp_path)
    rows = [(f"t{number}", "{span}", "['x']") for number in range(40)]

    def of(span, numbers):
        return [(title, f"of {span}", labels) for title, _, labels in (rows[n] for n in numbers)]

    # By name span 10 comes before span 9.
    archive.write(9, of(9, range(0, 30)))
    archive.write(10, of(10, range(20, 40)))
    expected = {f"t{n}": "of 9" if n < 30 else "of 10" for n in range(40)}
    assert texts(archive.run()) == expected
    expected = {f"t{n}": "of 10" for n in range(20, 40)}
    assert texts(archive.run(DataSettings(spans=1))) == expected


def test_the_executor_reads_what_the_driver_saw(archive, monkeypatch):
    resolve = SpanDriver.resolve_exec_properties

    def resolve_and_add(self, *arguments):
        properties = resolve(self, *arguments)
        archive.write(3, ROWS[600:])
        return properties

    monkeypatch.setattr(SpanDriver, "resolve_exec_properties", resolve_and_add)
    assert spans_read(archive.run()) == "1, 2"


def test_under_the_stock_driver_the_window_is_read_too(archive, monkeypatch):
    """Only a change of an older file is not seen then."""
    monkeypatch.delattr(SpanDriver, "resolve_exec_properties")
    first = archive.run()
    assert (first.cached, spans_read(first)) == (False, "1, 2")
    archive.write(1, ROWS[:400])
    assert archive.run().cached
    archive.write(3, ROWS[600:])
    assert spans_read(archive.run()) == "2, 3"


@pytest.mark.parametrize(
    ("name", "told"),
    [("span-4/papers.csv", "there is no span 3"), ("span-x/papers.csv", "'x' is no number")],
)
def test_what_is_wrong_is_told_before_anything_is_read(archive, name, told):
    wrong = archive.root / "data" / name
    wrong.parent.mkdir()
    shutil.copy(archive.path(1), wrong)
    with pytest.raises(BadInputError, match=told):
        archive.run()


def test_no_span_is_told_in_our_words(tmp_path):
    with pytest.raises(BadInputError, match="no span found"):
        Archive(tmp_path).run()
