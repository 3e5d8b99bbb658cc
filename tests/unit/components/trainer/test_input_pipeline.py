"""The dataset yields exactly what was written."""

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.input_pipeline import (
    make_dataset,
    scan_split,
)
from schema import names
from schema.errors import BadInputError
from tests.support.trainer_papers import (
    LABELS,
    Paper,
    feature_spec,
    random_papers,
    write,
)

SPEC = feature_spec()


@pytest.fixture
def papers():
    # Weights are unique, so a paper can be told from its row.
    return [
        Paper([], [], [], unknown=2),
        Paper([0], [0.125], [5]),
        *random_papers(40, seed=2),
    ]


@pytest.fixture
def pattern(papers, tmp_path):
    write(papers[:20], str(tmp_path / "part-00000-of-00003"))
    write(papers[20:], str(tmp_path / "part-00001-of-00003"))
    write([], str(tmp_path / "part-00002-of-00003"))
    return str(tmp_path / "part-*")


def read(dataset):
    """Papers back from batches, padding checked on the way."""
    found = []
    for inputs, truth, *unknown in dataset.as_numpy_iterator():
        ids, weights = inputs[names.MODEL_IDS], inputs[names.MODEL_WEIGHTS]
        assert (ids.dtype, weights.dtype, truth.dtype) == (np.int32, np.float32, np.float32)
        assert ids.shape == weights.shape
        assert truth.shape == (len(ids), LABELS)
        assert not len(ids) or ids.shape[1] == (weights != 0).sum(axis=1).max()
        for i, row in enumerate(weights):
            length = int((row != 0).sum())
            assert (ids[i, length:] == 0).all()
            found.append(
                Paper(
                    ids[i, :length].tolist(),
                    row[:length].tolist(),
                    np.flatnonzero(truth[i]).tolist(),
                    int(unknown[0][i]) if unknown else 0,
                )
            )
        assert set(np.unique(truth)) <= {0.0, 1.0}
    return found


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_unshuffled_papers_come_in_file_order(papers, pattern, batch_size):
    dataset = make_dataset(pattern, SPEC, batch_size, shuffle=False, seed=0, include_unknown=True)
    assert read(dataset) == papers


def test_each_epoch_shuffles_all_papers_by_the_seed(papers, pattern):
    def epochs(seed):
        dataset = make_dataset(pattern, SPEC, 8, shuffle=True, seed=seed)
        return [read(dataset) for _ in range(2)]

    first, second = epochs(seed=1)
    known = [Paper(p.ids, p.weights, p.labels) for p in papers]
    for epoch in (first, second):
        assert sorted(p.weights for p in epoch) == sorted(p.weights for p in known)
        assert all(paper in known for paper in epoch)
    assert first != known
    assert first != second
    assert epochs(seed=1) == [first, second]
    assert epochs(seed=2)[0] != first


def weights_of(inputs):
    """The n-gram weights of each paper of a batch, without the padding."""
    return [row[row != 0].tolist() for row in inputs[names.MODEL_WEIGHTS].numpy()]


@pytest.mark.parametrize(("workers", "count"), [(2, 12), (2, 23), (3, 11), (3, 13)])
def test_workers_together_read_the_steps_of_one_machine(tmp_path, workers, count):
    """All make as many steps; together each step has the papers of one machine's."""
    path = write(random_papers(count, seed=3), str(tmp_path / "papers"))
    each = 2
    steps = count // (each * workers)

    def epochs(**share):
        batches = make_dataset(path, SPEC, shuffle=True, seed=5, **share)
        return [[weights_of(inputs) for inputs, _ in batches] for _ in range(2)]

    whole = epochs(batch_size=each * workers)
    parts = [
        epochs(batch_size=each, worker=worker, workers=workers, batches=steps)
        for worker in range(workers)
    ]
    for epoch in range(2):
        assert [len(part[epoch]) for part in parts] == [steps] * workers
        for step in range(steps):
            together = [weights for part in parts for weights in part[epoch][step]]
            assert sorted(together) == sorted(whole[epoch][step])


def test_autotuning_is_off(pattern):
    """Its thread may sleep for a minute after an iterator is deleted."""
    dataset = make_dataset(pattern, SPEC, 8, shuffle=True, seed=0)
    assert dataset.options().autotune.enabled is False
    assert dataset.options().deterministic is True


def test_a_survey_reads_every_key_and_label_once_in_file_order(tmp_path):
    """Across files and batches, up to the highest possible key."""
    dice = np.random.default_rng(0)
    keys = [*dice.integers(0, 2**63 - 1, 1500).tolist(), 0, 2**63 - 2, 0]
    # The last label has no paper.
    labels = [dice.permutation(LABELS - 1)[: dice.integers(0, 4)].tolist() for _ in keys]
    papers = [Paper([1], [1.0], own, key=key) for key, own in zip(keys, labels, strict=True)]
    write(papers[:1100], str(tmp_path / "part-0"))
    write([], str(tmp_path / "part-1"))
    write(papers[1100:], str(tmp_path / "part-2"))
    pattern = str(tmp_path / "part-*")
    counts = [sum(label in own for own in labels) for label in range(LABELS)]
    for patterns in (pattern, [pattern, pattern]):
        found_keys, found_counts = scan_split(patterns, SPEC)
        assert found_keys.dtype == np.int64
        assert found_keys.tolist() == keys
        assert found_counts.tolist() == counts


def test_empty_files_give_an_empty_survey(tmp_path):
    keys, counts = scan_split(write([], str(tmp_path / "empty")), SPEC)
    assert (keys.dtype, keys.shape) == (np.int64, (0,))
    assert counts.tolist() == [0] * LABELS


def test_a_pattern_without_files_is_refused(tmp_path):
    nothing = str(tmp_path / "nothing-*")
    with pytest.raises(BadInputError, match="nothing-"):
        make_dataset([nothing], SPEC, 8, shuffle=False, seed=0)
    with pytest.raises(BadInputError, match="nothing-"):
        scan_split(nothing, SPEC)


def test_a_label_outside_the_vocabulary_is_an_error(tmp_path):
    path = write([Paper([1], [1.0], [LABELS])], str(tmp_path / "bad"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        read(make_dataset(path, SPEC, 8, shuffle=False, seed=0))
