"""The curation of a real file against the Keras example's pandas steps, row by row.

Needs the option `--data FILE` (the fixtures `data_path` and `show`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pandas as pd
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions

from components.example_gen.check import check_files
from components.example_gen.curation import curate
from components.example_gen.curation_report import CurationReport
from components.example_gen.outputs import Destination, read_outcome
from components.example_gen.settings import DataSettings
from schema import names
from tests.support.curation_oracle import (
    labels_of,
    naive_split,
    pandas_counts,
    pandas_papers,
)

Papers = dict[str, list[tuple[str, str, tuple[str, ...]]]]


def read_examples(folders: dict[str, str]) -> Papers:
    """Reads every split's papers, in order, as (title, text, labels)."""
    papers: Papers = {}
    for split, folder in folders.items():
        papers[split] = []
        for file in sorted(Path(folder).iterdir()):
            for record in tf.data.TFRecordDataset(str(file), compression_type="GZIP"):
                features = tf.train.Example.FromString(record.numpy()).features.feature
                title, text, *labels = (
                    value.decode()
                    for name in (names.TITLES, names.SUMMARIES, names.TERMS)
                    for value in features[name].bytes_list.value
                )
                papers[split].append((title, text, tuple(labels)))
    return papers


def prove_curation(report: CurationReport, examples: Papers, data_path: str) -> dict[str, float]:
    """Compares a run with default settings on a file with the example's pandas steps.

    Args:
        report: The run's curation report.
        examples: The run's papers by split, see `read_examples`.
        data_path: The file.

    Returns:
        The figures worth showing.

    Raises:
        AssertionError: A row, a paper's split or a count differs, or the shares are off.
    """
    frame, unique, kept = pandas_papers(data_path)
    splits = kept["titles"].map(naive_split(kept["titles"], kept["terms"]))
    expected: Papers = {split: [] for split in names.SPLITS}
    rows = zip(splits, kept["titles"], kept["summaries"], kept["terms"], strict=True)
    for split, title, text, terms in rows:
        expected[split].append((title, text, labels_of(terms)))
    for split in names.SPLITS:
        assert examples[split] == expected[split], split

    assert vars(report) == pandas_counts(frame, unique, kept, splits)
    shares = {name: round(share, 4) for name, share in _check_shares(kept, splits).items()}
    return {**vars(report), **shares}


def _check_shares(kept: pd.DataFrame, splits: pd.Series) -> dict[str, float]:
    for split, share in ((names.TRAIN, 0.90), (names.VALIDATION, 0.05), (names.TEST, 0.05)):
        assert (splits == split).mean() == pytest.approx(share, rel=0.02), split
    rare = kept["terms"].map(kept["terms"].value_counts()) <= 20
    share_of_all = float(rare.mean())
    share_of_test = float(rare[splits == names.TEST].mean())
    assert abs(share_of_test - share_of_all) < 0.02
    return {"rare_share_of_all": share_of_all, "rare_share_of_test": share_of_test}


def test_curation_equals_the_example(
    data_path: Path, tmp_path: Path, show: Callable[..., None]
) -> None:
    folders = {split: str(tmp_path / "examples" / f"Split-{split}") for split in names.SPLITS}
    destination = Destination(str(tmp_path / "examples"), str(tmp_path / "curation"))
    (tmp_path / "curation").mkdir()
    options = PipelineOptions(["--runner=DirectRunner"])
    with beam.Pipeline(options=options) as pipeline:
        curate(pipeline, [str(data_path)], DataSettings(), destination)
    outcome = read_outcome(destination)
    assert outcome["faults"] == []
    report = CurationReport.from_counts(outcome["counts"])
    figures = prove_curation(report, read_examples(folders), str(data_path))
    for name, value in figures.items():
        show(f"curation: {name}", value, "the pandas steps and the split rule")


def test_check_counts_the_same(data_path: Path) -> None:
    checked = check_files([str(data_path)], DataSettings())
    assert checked.problem is None
    _, _, kept = pandas_papers(str(data_path))
    counts = Counter(naive_split(kept["titles"], kept["terms"]).values())
    assert {split: getattr(checked.curation, split) for split in names.SPLITS} == counts
