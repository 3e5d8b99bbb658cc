"""The test papers that the report scores, their order and their scores."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.report.scoring import read_test_papers, score
from serving.model_metadata import ModelMetadata
from tests.support.report_served import (
    LABELS,
    THRESHOLD,
    draw_papers,
    expected_scores,
    is_silent,
    save_model,
    true_labels,
    write_split,
)

RECORDS = draw_papers(600)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    return write_split(tmp_path_factory.mktemp("split") / "test", RECORDS)


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "saved")


def test_papers_come_in_the_order_of_the_sorted_files(split):
    papers = read_test_papers(split, 600, seed=0)
    assert papers.records == RECORDS
    assert papers.total == 600
    assert papers.rows.tolist() == list(range(600))


def test_of_many_papers_a_seeded_sample_is_kept(split):
    first, again, other = (read_test_papers(split, 50, seed) for seed in (1, 1, 2))
    assert first.total == 600
    assert first.records == [RECORDS[row] for row in first.rows]
    assert first.rows.tolist() == sorted(set(first.rows.tolist()))
    assert len(first.records) == 50
    assert first.rows.tolist() == again.rows.tolist() != other.rows.tolist()


def test_an_empty_split_holds_no_papers(tmp_path):
    papers = read_test_papers(str(tmp_path), 10, seed=0)
    assert (papers.total, papers.records, papers.rows.tolist()) == (0, [], [])


def test_scores_are_the_models_own(split, model_dir):
    # More papers than fit into a batch, and not a multiple of it.
    papers = read_test_papers(split, 555, seed=3)
    scored = score(tf.saved_model.load(model_dir), ModelMetadata(model_dir), papers)
    expected = np.array([expected_scores(record) for record in papers.records])
    np.testing.assert_allclose(scored.probabilities, expected, atol=1e-6)
    assert scored.probabilities.dtype == np.float32
    # Papers without a letter that the model knows get no suggestion, whatever their scores.
    silent = np.array([is_silent(record) for record in papers.records])
    assert 0 < silent.sum() < 100
    limits = np.where(silent[:, np.newaxis], np.inf, np.float32(THRESHOLD))
    np.testing.assert_array_equal(scored.thresholds, limits)
    true = [true_labels(record) for record in papers.records]
    assert scored.y_true.tolist() == [[label in each for label in LABELS] for each in true]
    assert scored.unknown.tolist() == [len(set(each) - set(LABELS)) for each in true]


def test_no_papers_have_no_scores(model_dir, tmp_path):
    none = read_test_papers(str(tmp_path), 9, seed=0)
    scored = score(tf.saved_model.load(model_dir), ModelMetadata(model_dir), none)
    assert scored.probabilities.shape == scored.y_true.shape == (0, 4)
    assert scored.unknown.shape == (0,)
