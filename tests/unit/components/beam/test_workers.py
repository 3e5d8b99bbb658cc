"""ExampleGen and Transform give the same results for any number of workers and files."""

from __future__ import annotations

import itertools
from pathlib import Path

import tensorflow as tf
from tfx.types import Artifact, artifact_utils

from benchmarks.beam_nodes import Nodes
from pipeline.beam_settings import BeamSettings
from pipeline.config import load_config
from schema import names
from tests.support.curation_oracle import noisy_rows, to_csv

ROWS = noisy_rows(700, seed=21)
CONFIG = load_config("sample", ["features.max_tokens=500", "data.test_share=0.2"])
# Workers that share a process give the same results as others, and are cheaper.
FOUR_THREADS = BeamSettings(mode="multi_threading", workers=4)


def records(files: list[Path]) -> list[object]:
    """The examples, sorted; the entries of a map come in any order, so bytes can't be compared."""
    names_of_files = tf.constant([str(file) for file in files], tf.string)
    compression = "GZIP" if all(file.suffix == ".gz" for file in files) else ""
    found = []
    for record in tf.data.TFRecordDataset(names_of_files, compression).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        found.append(sorted((name, value.SerializeToString()) for name, value in feature.items()))
    return sorted(found)


def split_records(artifact: Artifact) -> dict[str, list[object]]:
    folders = {name: artifact_utils.get_split_uri([artifact], name) for name in names.SPLITS}
    return {name: records(sorted(Path(folder).iterdir())) for name, folder in folders.items()}


def results(folder: Path, pattern: str, beam: BeamSettings) -> tuple[object, ...]:
    """The counts, the curated papers, the vocabularies and the transformed papers."""
    nodes = Nodes(CONFIG, folder / "data", pattern, folder / beam.mode, beam.pipeline_args())
    nodes.run_example_gen()
    nodes.run_transform()
    assets = Path(nodes.graph.uri) / "transform_fn/assets"
    return (
        (Path(nodes.curation.uri) / names.CURATION_FILE).read_text(),
        split_records(nodes.examples),
        {path.name: path.read_bytes() for path in assets.iterdir()},
        split_records(nodes.transformed),
    )


def test_four_workers_on_eight_files_equal_one_on_one(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/one.csv").write_bytes(to_csv(ROWS))
    ends = [0, 1, 90, 95, 200, 350, 351, 600, 700]
    for part, (start, end) in enumerate(itertools.pairwise(ends)):
        (tmp_path / f"data/part-{part}.csv").write_bytes(to_csv(ROWS[start:end]))
    one = results(tmp_path, "one.csv", BeamSettings())
    assert results(tmp_path, "part-*.csv", FOUR_THREADS) == one
    _, papers, vocabularies, transformed = one
    assert set(vocabularies) == {names.NGRAM_VOCABULARY, names.LABEL_VOCABULARY}
    assert vocabularies[names.NGRAM_VOCABULARY].count(b"\n") == 500
    for split in names.SPLITS:
        assert len(papers[split]) == len(transformed[split]) > 10
