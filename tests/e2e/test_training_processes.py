"""Tests that need their own processes: equal seeds give equal weights, and several replicas."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.training_loop import run_epochs
from components.trainer.validation import Predictor
from schema import names
from tests.support.train_in_process import (
    AFTER,
    ANSWERS,
    CHECKPOINT,
    SERVED,
    WEIGHTS,
    batches,
    in_8_bits,
    network,
    validation,
)

REPOSITORY = Path(__file__).resolve().parents[2]
FLOAT16 = "mixed_float16"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folders of all jobs, trained by two processes side by side."""
    folder = tmp_path_factory.mktemp("trained")
    first = ["seed0:lazy_rms:0:0", "seed1:lazy_rms:1:0", "exact0:adam:0:0"]
    second = [
        "again0:lazy_rms:0:0",
        "exact_again0:adam:0:0",
        *(f"{kind}{n}:{kind}:0:{n}" for kind in ("lazy_rms", "adam") for n in (1, 2)),
    ]
    jobs = [
        [f"{job}:float32" for job in first],
        [*(f"{job}:float32" for job in second), f"mixed2:lazy_rms:0:2:{FLOAT16}"],
    ]
    jobs[0].append(f"mixed1:lazy_rms:0:1:{FLOAT16}")
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.train_in_process"]
    processes = [
        subprocess.Popen(
            [*command, str(folder), *mine],
            cwd=REPOSITORY,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for mine in jobs
    ]
    for process in processes:
        _, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors[-3000:]
    return folder


def weights(folder, name=WEIGHTS):
    archive = np.load(folder / name)
    return [archive[part] for part in archive.files]


def epochs(folder):
    text = (folder / names.EPOCHS_FILE).read_text()
    return [line for line in map(json.loads, text.splitlines()) if "step" not in line]


@pytest.mark.parametrize(("first", "second"), [("seed0", "again0"), ("exact0", "exact_again0")])
def test_equal_seeds_give_equal_weights_to_the_bit(trained, first, second):
    for mine, expected in zip(weights(trained / first), weights(trained / second), strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_another_seed_gives_other_weights(trained):
    pairs = zip(weights(trained / "seed0"), weights(trained / "seed1"), strict=True)
    assert all((mine != other).any() for mine, other in pairs)


@pytest.mark.parametrize(
    ("kind", "tolerance"), [("lazy_rms", 1e-6), ("adam", 1e-6), ("mixed", 2e-3)]
)
def test_two_replicas_equal_one(trained, kind, tolerance):
    one, two = trained / f"{kind}1", trained / f"{kind}2"
    for mine, expected in zip(weights(two), weights(one), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=0, atol=tolerance)
    assert len(epochs(two)) == len(epochs(one)) > 1
    for ours, theirs in zip(epochs(two), epochs(one), strict=True):
        for figure in ("loss", "val_loss", "val_lrap"):
            assert ours[figure] == pytest.approx(theirs[figure], abs=10 * tolerance)


@pytest.mark.parametrize("kind", ["lazy_rms", "mixed"])
def test_two_replicas_are_served_in_8_bits_like_one(trained, kind):
    folder = trained / f"{kind}2"
    model = network("lazy_rms", "float32", seed=9, dropout=0.0)
    model.set_weights(weights(folder))
    expected = in_8_bits(model).get_weights()
    assert expected[0].dtype == np.int8
    assert expected[0].any()
    for mine, wanted in zip(weights(folder, SERVED), expected, strict=True):
        np.testing.assert_array_equal(mine, wanted)


@pytest.mark.parametrize("kind", ["lazy_rms", "adam", "mixed"])
def test_a_checkpoint_of_two_replicas_resumes_on_one(trained, kind):
    """It gives the same answers, and after the next epoch the same weights."""
    folder = trained / f"{kind}2"
    optimizer, precision = ("lazy_rms", FLOAT16) if kind == "mixed" else (kind, "float32")
    model = network(optimizer, precision, seed=9, dropout=0.0)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    checkpoint.read(str(folder / CHECKPOINT)).assert_consumed()
    for mine, expected in zip(model.get_weights(), weights(folder), strict=True):
        np.testing.assert_array_equal(mine, expected)
    answers = Predictor(model, validation(folder)).predict().logits
    np.testing.assert_allclose(answers, np.load(folder / ANSWERS), rtol=0, atol=1e-6)
    run_epochs(model, batches(folder, shuffle=False), 1, [])
    tolerance = 2e-3 if kind == "mixed" else 1e-6
    for mine, expected in zip(model.get_weights(), weights(folder, AFTER), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=0, atol=tolerance)


def test_an_overflow_on_one_replica_skips_the_step_on_both():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.support.overflow_in_process"],
        cwd=REPOSITORY,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["changed"] == [True, False, True]
    assert told["finite"]
    first, second, third = told["scales"]
    assert (second, third) == (first / 2, first / 2)
