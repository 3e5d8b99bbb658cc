"""ExampleGen and Transform give the same results for any number of workers and files."""

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


def test_files_change_no_split(sources, one_worker, tmp_path):
    beam = BeamSettings().pipeline_args()
    assert curated(Nodes(CONFIG, sources, "part-*.csv", tmp_path, beam)) == one_worker[0]


def test_threads_change_no_split_vocabulary_or_weight(sources, one_worker, tmp_path):
    """Workers that share a process give the same results as others, and are cheaper."""
    beam = BeamSettings(mode="multi_threading", workers=4)
    nodes = Nodes(CONFIG, sources, "part-*.csv", tmp_path, beam.pipeline_args())
    assert (curated(nodes), transformed(nodes)) == one_worker
