"""The curation's Beam code under conditions that a cluster makes and one process hides."""

from __future__ import annotations

import random
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.example_gen import curation
from components.example_gen.combiners import Concatenate
from components.example_gen.outputs import Destination, read_outcome
from components.example_gen.settings import DataSettings
from tests.support.curation_oracle import noisy_rows, to_csv
from tests.support.strictness import (
    CONDITIONS,
    FOUR_WORKERS,
    PLAIN,
    forbid_changes,
    key_coders,
    measure_keys,
    shuffle,
)

HOT = "['cs.LG']"
STEPS = [
    (curation._Survey, "process"),
    (curation._KeepFirst, "process"),
    (curation._FindBounds, "process"),
    (curation._Write, "process"),
    (Concatenate, "add_input"),
]


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Six files of noisy rows, half of them with one label set, and one malformed row."""
    dice = random.Random(3)
    rows = [
        (title, text, HOT if dice.random() < 0.5 else labels)
        for title, text, labels in noisy_rows(900, seed=8)
    ]
    rows.insert(100, ("a", "b", "c"))
    folder = tmp_path_factory.mktemp("data")
    for part in range(6):
        (folder / f"{part}.csv").write_bytes(to_csv(rows[part * 150 : part * 150 + 151]))
    return sorted(str(path) for path in folder.iterdir())


def destination(folder):
    return Destination(f"{folder}/examples", f"{folder}/curation")


def curate(paths, folder, flags=()):
    """Runs the curation; returns the counts and the content of every file."""
    where = destination(folder)
    Path(where.curation).mkdir(parents=True)
    options = PipelineOptions([*PLAIN, *flags])
    with beam.Pipeline(options=options) as pipeline:
        curation.curate(pipeline, paths, DataSettings(), where)
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return read_outcome(where), files


@pytest.fixture(scope="module")
def plain(paths, tmp_path_factory):
    return curate(paths, tmp_path_factory.mktemp("plain"))


# Beam checks some elements of a transform with several outputs against the type of another one.
@pytest.mark.parametrize("condition", sorted(CONDITIONS.keys() - {"types of some elements"}))
def test_a_cluster_changes_nothing(condition, paths, plain, tmp_path):
    assert curate(paths, tmp_path, CONDITIONS[condition]) == plain


@pytest.mark.parametrize("seed", range(3))
def test_no_order_changes_anything(seed, paths, plain, tmp_path, monkeypatch):
    shuffle(monkeypatch, seed)
    flags = FOUR_WORKERS if seed else []
    assert curate(paths, tmp_path, flags) == plain


def test_no_element_is_changed(paths, plain, tmp_path, monkeypatch):
    seen = forbid_changes(monkeypatch, STEPS)
    assert curate(paths, tmp_path, ["--direct_runner_bundle_repeat=1"]) == plain
    assert set(seen) == {owner.__name__ for owner, _ in STEPS}


def test_keys_have_deterministic_coders():
    pipeline = beam.Pipeline(options=PipelineOptions(PLAIN))
    curation.curate(pipeline, ["a.csv"], DataSettings(), destination(Path("x")))
    found = key_coders(pipeline)
    assert len(found) == 7
    assert {name for name, coder in found.items() if not coder.is_deterministic()} == set()


def test_a_label_set_of_half_the_papers_is_spread(paths, plain, tmp_path, monkeypatch):
    shuffles = measure_keys(monkeypatch)
    assert curate(paths, tmp_path) == plain
    papers = plain[0]["counts"]["after_dedup"]
    titles, joined = (sizes for sizes in shuffles if {len(key) for key in sizes} == {16})
    (parts,) = (sizes for sizes in shuffles if {len(key) for key in sizes} == {17})
    assert len(titles) == papers
    assert share_of_largest(titles) < 0.05
    assert share_of_largest(parts) < 1 / 16
    # What comes together at last is eight bytes a paper.
    assert share_of_largest(joined) > 0.5
    assert sum(joined.values()) < papers * 9


def share_of_largest(sizes):
    return max(sizes.values()) / sum(sizes.values())
