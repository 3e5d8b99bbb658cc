"""How baselines read papers, sample them and encode their labels."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from sklearn.preprocessing import MultiLabelBinarizer

from components.baselines.papers import Paper, collect, encode_labels, read_papers
from schema.text import join_title_and_abstract
from tests.support.baseline_papers import made_papers, write_split


def test_papers_are_read_in_the_order_of_files_and_records(tmp_path):
    papers = made_papers(23)
    folder = write_split(tmp_path / "split", papers, title="Title", files=3)
    assert list(read_papers(str(folder), "abstract")) == papers
    with_title = [
        Paper(join_title_and_abstract("Title", paper.text), paper.labels) for paper in papers
    ]
    assert with_title[0].text.startswith("Title\n")
    assert list(read_papers(str(folder), "title_and_abstract")) == with_title


def test_a_paper_without_a_title_is_its_abstract(tmp_path):
    papers = made_papers(3)
    folder = write_split(tmp_path / "split", papers)
    assert list(read_papers(str(folder), "title_and_abstract")) == papers


def test_odd_bytes_missing_titles_and_empty_splits_are_read(tmp_path):
    assert list(read_papers(str(tmp_path), "abstract")) == []
    example = tf.train.Example()
    example.features.feature["summaries"].bytes_list.value.append("é机".encode() + b"\xff")
    example.features.feature["terms"].bytes_list.value.append("68T45; é".encode())
    with tf.io.TFRecordWriter(str(tmp_path / "a.gz"), "GZIP") as writer:
        writer.write(example.SerializeToString())
    (paper,) = read_papers(str(tmp_path), "title_and_abstract")
    assert paper == Paper("é机\\xff", ("68T45; é",))


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
    papers = [Paper("", ("b", "a")), Paper("", ("é", "z", "Z"))]
    assert collect(papers, most=5, seed=0).labels == ["é", "z", "b", "a", "Z"]


def test_sample_is_seeded_in_order_and_counts_every_paper():
    papers = [Paper(str(number), ("a",) if number else ("b",)) for number in range(50)]
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
    papers = [Paper(str(number), ("a",)) for number in range(12)]
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
