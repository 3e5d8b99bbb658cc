"""However many workers and files there are, ExampleGen and Transform come to the same."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import Artifact, artifact_utils

from benchmarks.beam_nodes import Nodes
from pipeline.beam_settings import BeamSettings
from pipeline.config import load_config
from schema import names
from tests.support.curation_oracle import noisy_rows, to_csv

ROWS = noisy_rows(700, seed=21)
CONFIG = load_config("sample", ["features.max_tokens=500", "data.test_share=0.2"])


def threads(workers: int) -> BeamSettings:
    """Workers that share this process: as to what comes out, as good as others, and cheaper."""
    return BeamSettings(mode="multi_threading", workers=workers)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The same rows in one file and in eight of uneven length."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "one.csv").write_bytes(to_csv(ROWS))
    ends = [0, 1, 90, 95, 200, 350, 351, 600, 700]
    for part, (start, end) in enumerate(itertools.pairwise(ends)):
        (folder / f"part-{part}.csv").write_bytes(to_csv(ROWS[start:end]))
    return folder


def records(files: list[Path]) -> list[object]:
    """The examples, sorted; a map's entries come in any order, so bytes tell nothing."""
    names_of_files = tf.constant([str(file) for file in files], tf.string)
    found = []
    for record in tf.data.TFRecordDataset(names_of_files, "GZIP").as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        found.append(sorted((name, value.SerializeToString()) for name, value in feature.items()))
    return sorted(found)


def split_records(artifact: Artifact) -> dict[str, list[object]]:
    folders = {name: artifact_utils.get_split_uri([artifact], name) for name in names.SPLITS}
    return {name: records(sorted(Path(folder).iterdir())) for name, folder in folders.items()}


def curated(nodes: Nodes) -> dict[str, object]:
    nodes.run_example_gen()
    return {
        "report": (Path(nodes.curation.uri) / names.CURATION_FILE).read_text(),
        **split_records(nodes.examples),
    }


def transformed(nodes: Nodes) -> dict[str, object]:
    nodes.run_transform()
    assets = Path(nodes.graph.uri) / "transform_fn/assets"
    return {
        "vocabularies": {path.name: path.read_bytes() for path in assets.iterdir()},
        **split_records(nodes.transformed),
    }


@pytest.fixture(scope="module")
def one_worker(sources, tmp_path_factory):
    """What one worker makes of one file."""
    folder = tmp_path_factory.mktemp("one")
    nodes = Nodes(CONFIG, sources, "one.csv", folder, BeamSettings().pipeline_args())
    return curated(nodes), transformed(nodes)


def test_there_is_something_to_compare(one_worker):
    papers, weights = one_worker
    vocabularies = weights["vocabularies"]
    assert set(vocabularies) == {names.NGRAM_VOCABULARY, names.LABEL_VOCABULARY}
    assert vocabularies[names.NGRAM_VOCABULARY].count(b"\n") == 500
    for split in names.SPLITS:
        assert len(papers[split]) == len(weights[split]) > 10


@pytest.mark.parametrize(
    ("pattern", "beam"),
    [
        ("part-*.csv", BeamSettings()),
        ("one.csv", threads(2)),
        ("one.csv", threads(4)),
        ("part-*.csv", BeamSettings(workers=2)),
    ],
    ids=["8 files, 1 worker", "1 file, 2 workers", "1 file, 4 workers", "8 files, 2 processes"],
)
def test_the_curated_splits_are_the_same(sources, pattern, beam, one_worker, tmp_path):
    nodes = Nodes(CONFIG, sources, pattern, tmp_path, beam.pipeline_args())
    assert curated(nodes) == one_worker[0]


@pytest.mark.parametrize("workers", [2, 4])
def test_splits_vocabularies_and_weights_are_the_same(sources, workers, one_worker, tmp_path):
    nodes = Nodes(CONFIG, sources, "part-*.csv", tmp_path, threads(workers).pipeline_args())
    assert (curated(nodes), transformed(nodes)) == one_worker
