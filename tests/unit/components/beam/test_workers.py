"""Transform gives the same results for any number of workers and files of ExampleGen."""

from __future__ import annotations

import itertools
from pathlib import Path

import tensorflow as tf
from tfx.types import artifact_utils

from benchmarks.beam_nodes import Nodes
from pipeline.beam_settings import BeamSettings
from pipeline.config import load_config
from schema import names
from tests.support.curation_oracle import noisy_rows, to_csv

ROWS = noisy_rows(700, seed=21)
CONFIG = load_config("sample", ["features.max_tokens=500", "data.test_share=0.2"])
# Workers that share a process give the same results as others, and are cheaper.
FOUR_THREADS = BeamSettings(mode="multi_threading", workers=4)


def results(folder: Path, pattern: str, beam: BeamSettings) -> tuple[object, ...]:
    """The vocabularies, and the transformed papers of each split, sorted."""
    nodes = Nodes(CONFIG, folder / "data", pattern, folder / beam.mode, beam.pipeline_args())
    nodes.run_example_gen()
    nodes.run_transform()
    assets = Path(nodes.graph.uri) / "transform_fn/assets"
    papers = {}
    for split in names.SPLITS:
        folder = Path(artifact_utils.get_split_uri([nodes.transformed], split))
        records = tf.data.TFRecordDataset([str(path) for path in folder.iterdir()])
        features = (
            tf.train.Example.FromString(record).features.feature.items()
            for record in records.as_numpy_iterator()
        )
        # The entries of a map come in any order, so bytes can't be compared.
        papers[split] = sorted(
            sorted((name, value.SerializeToString()) for name, value in each) for each in features
        )
    return {path.name: path.read_bytes() for path in assets.iterdir()}, papers


def test_four_workers_on_eight_files_equal_one_on_one(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/one.csv").write_bytes(to_csv(ROWS))
    ends = [0, 1, 90, 95, 200, 350, 351, 600, 700]
    for part, (start, end) in enumerate(itertools.pairwise(ends)):
        (tmp_path / f"data/part-{part}.csv").write_bytes(to_csv(ROWS[start:end]))
    one = results(tmp_path, "one.csv", BeamSettings())
    assert results(tmp_path, "part-*.csv", FOUR_THREADS) == one
    vocabularies, papers = one
    assert set(vocabularies) == {names.NGRAM_VOCABULARY, names.LABEL_VOCABULARY}
    assert vocabularies[names.NGRAM_VOCABULARY].count(b"\n") == 500
    for split in names.SPLITS:
        assert len(papers[split]) > 10
