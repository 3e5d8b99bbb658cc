"""What needs processes of their own: equal weights from equal seeds, and several replicas."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from schema import names

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folders of all jobs, trained by two processes side by side."""
    folder = tmp_path_factory.mktemp("trained")
    first = ["seed0:lazy_adam:0:0", "seed1:lazy_adam:1:0", "exact0:adam:0:0"]
    second = [
        "again0:lazy_adam:0:0",
        "exact_again0:adam:0:0",
        *(f"{kind}{n}:{kind}:0:{n}" for kind in ("lazy_adam", "adam") for n in (1, 2)),
    ]
    command = [sys.executable, "-W", "ignore", "-m", "tests.e2e.train_in_process"]
    processes = [
        subprocess.Popen(
            [*command, str(folder), *jobs], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
        )
        for jobs in (first, second)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors[-3000:]
    return folder


def weights(folder):
    archive = np.load(folder / "weights.npz")
    return [archive[name] for name in archive.files]


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


@pytest.mark.parametrize("optimizer", ["lazy_adam", "adam"])
def test_two_replicas_equal_one(trained, optimizer):
    one, two = trained / f"{optimizer}1", trained / f"{optimizer}2"
    for mine, expected in zip(weights(two), weights(one), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-6)
    assert len(epochs(two)) == len(epochs(one)) > 1
    for ours, theirs in zip(epochs(two), epochs(one), strict=True):
        for figure in ("loss", "val_loss", "val_lrap"):
            assert ours[figure] == pytest.approx(theirs[figure], abs=1e-5)
