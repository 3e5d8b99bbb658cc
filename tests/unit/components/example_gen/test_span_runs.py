"""A growing archive through TFX's own launcher: what is read, and when the cache answers."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

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
from tests.support.curation_oracle import noisy_rows, to_csv

ROWS = noisy_rows(900, seed=5)
TWO = DataSettings(spans=2)


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
        (result,) = run_pipeline(graph, mock.Mock()).values()
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


def abstracts(result):
    """The abstract of each title, over all splits."""
    found = {}
    for split in names.SPLITS:
        folder = artifact_utils.get_split_uri([result.artifact("examples")], split)
        for paper in read_papers(folder):
            assert paper.title not in found
            found[paper.title] = paper.abstract
    return found


def test_the_cache_answers_until_a_span_comes_or_changes(archive):
    first = archive.run()
    assert (first.cached, spans_read(first)) == (False, "1, 2")
    paths = [str(archive.path(span)) for span in (1, 2)]
    assert report(first) == vars(check_files(paths, TWO).curation)

    again = archive.run()
    assert again.cached
    assert again.artifact("examples").uri == first.artifact("examples").uri

    archive.write(1, ROWS[:400])
    assert not archive.run().cached

    archive.write(3, ROWS[600:])
    third = archive.run()
    assert (third.cached, spans_read(third)) == (False, "2, 3")
    assert third.artifact("examples").get_int_custom_property("span") == 3
    paths = [str(archive.path(span)) for span in (2, 3)]
    assert report(third) == vars(check_files(paths, TWO).curation)


def test_of_repeats_the_older_span_wins(tmp_path):
    archive = Archive(tmp_path)
    # By name span 10 comes before span 9.
    for span, numbers in ((9, range(30)), (10, range(20, 40))):
        archive.write(span, [(f"t{number}", f"of {span}", "['x']") for number in numbers])
    expected = {f"t{n}": "of 9" if n < 30 else "of 10" for n in range(40)}
    assert abstracts(archive.run()) == expected


def test_the_executor_reads_what_the_driver_saw(archive, monkeypatch):
    resolve = SpanDriver.resolve_exec_properties

    def resolve_and_add(self, *arguments):
        properties = resolve(self, *arguments)
        archive.write(3, ROWS[600:])
        return properties

    monkeypatch.setattr(SpanDriver, "resolve_exec_properties", resolve_and_add)
    assert spans_read(archive.run()) == "1, 2"


def test_under_the_stock_driver_the_window_is_read_too(archive, monkeypatch):
    """It only misses a change of an older file."""
    monkeypatch.delattr(SpanDriver, "resolve_exec_properties")
    first = archive.run()
    assert (first.cached, spans_read(first)) == (False, "1, 2")
