"""How baselines sample papers and encode their labels."""

from collections import Counter

import numpy as np
import pytest
from sklearn.preprocessing import MultiLabelBinarizer

from components.baselines.papers import collect, encode_labels
from components.papers.raw_paper import RawPaper
from tests.support.baseline_papers import made_papers


def test_labels_come_most_frequent_first_with_their_shares():
    papers = made_papers(200)
    counts = Counter(label for paper in papers for label in paper.labels)
    learnt = collect(iter(papers), most=1000, seed=0)
    assert learnt.labels == [label for label, _ in counts.most_common()]
    assert learnt.count == 200
    np.testing.assert_allclose(
        learnt.frequencies, [counts[label] / 200 for label in learnt.labels], rtol=1e-6
    )
    assert learnt.frequencies.dtype == np.float32
    assert learnt.sample == papers


def test_equally_frequent_labels_fall_by_name_as_in_transform():
    papers = [RawPaper("", "", ("b", "a")), RawPaper("", "", ("é", "z", "Z"))]
    assert collect(papers, most=5, seed=0).labels == ["é", "z", "b", "a", "Z"]


def test_sample_is_seeded_in_order_and_counts_every_paper():
    papers = [RawPaper("", str(number), ("a",) if number else ("b",)) for number in range(50)]
    first, again = (collect(iter(papers), most=10, seed=3) for _ in range(2))
    assert first.sample == again.sample
    assert first.sample != collect(iter(papers), most=10, seed=4).sample
    numbers = [int(paper.text) for paper in first.sample]
    assert len(set(numbers)) == 10
    assert numbers == sorted(numbers)
    assert first.count == 50
    assert first.labels == ["a", "b"]
    np.testing.assert_allclose(first.frequencies, [49 / 50, 1 / 50], rtol=1e-6)


def test_every_paper_is_as_likely_to_be_sampled():
    papers = [RawPaper("", str(number), ("a",)) for number in range(12)]
    drawn = Counter(
        int(paper.text) for seed in range(3000) for paper in collect(papers, 4, seed).sample
    )
    # Each is binomial with mean 1,000 and standard deviation 26.
    assert set(drawn) == set(range(12))
    assert all(abs(times - 1000) < 4 * 26 for times in drawn.values())


@pytest.mark.parametrize("seed", range(3))
def test_encoded_labels_equal_sklearn(seed):
    papers = made_papers(40, seed)
    labels = ["stat.ML", "cs.LG", "never"]
    truth, unknown = encode_labels(papers, labels)
    known = [[label for label in paper.labels if label in labels] for paper in papers]
    expected = MultiLabelBinarizer(classes=labels).fit_transform(known)
    np.testing.assert_array_equal(truth, expected.astype(bool))
    assert unknown.tolist() == [
        len(paper.labels) - len(each) for paper, each in zip(papers, known, strict=True)
    ]


def test_no_papers_encode_to_no_rows():
    truth, unknown = encode_labels([], ["a", "b"])
    assert truth.shape == (0, 2)
    assert unknown.shape == (0,)
