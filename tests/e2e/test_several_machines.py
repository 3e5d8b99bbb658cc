"""Two workers that train together, as processes on this machine, and the chief's files."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.transform.settings import FeatureSettings
from schema import names
from tests.support.run_arguments import run_arguments
from tests.support.transform_graph import Analysis

REPOSITORY = Path(__file__).resolve().parents[2]
EACH = 8
SETTINGS = {
    "hidden_units": (16, 8),
    "ensemble_size": 2,
    "dropout": 0.0,
    "learning_rate": 0.01,
    "epochs": 3,
    "patience": 2,
}


def free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def start(arguments, scratch, tf_config):
    scratch.mkdir()
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TMPDIR": str(scratch)}
    environment.pop("TF_CONFIG", None)
    if tf_config:
        environment["TF_CONFIG"] = json.dumps(tf_config)
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.support.train_as_worker", str(arguments)],
        cwd=REPOSITORY,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`one` machine with the whole batch, and `two` with half of it each, trained at once."""
    folder = tmp_path_factory.mktemp("machines")
    analysis = Analysis(
        FeatureSettings(input="title_and_abstract", max_tokens=10_000, weighting="keras"),
        folder / "analysis",
    )
    for name, batch_size in (("one", 2 * EACH), ("two", EACH)):
        arguments = run_arguments(
            analysis, f"{folder}/in", f"{folder}/{name}", batch_size=batch_size, **SETTINGS
        )
        (folder / f"{name}.json").write_text(json.dumps(arguments))
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    processes = [
        start(folder / "two.json", folder / f"scratch-{index}", {"cluster": cluster, "task": task})
        for index, task in enumerate({"type": "worker", "index": i} for i in range(2))
    ]
    processes.append(start(folder / "one.json", folder / "scratch", None))
    try:
        for process in processes:
            _, errors = process.communicate(timeout=400)
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in processes:
            process.kill()
    return folder


def saved_weights(folder):
    path = folder / "model" / "Format-Serving" / "variables" / "variables"
    reader = tf.train.load_checkpoint(str(path))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name.startswith("_weights/")
    }


def test_two_machines_export_the_model_of_one(folder):
    two, one = saved_weights(folder / "two"), saved_weights(folder / "one")
    assert two.keys() == one.keys()
    for name, expected in one.items():
        # The gradients of two machines are summed in another order.
        np.testing.assert_allclose(two[name], expected, rtol=0, atol=1e-5)


def test_two_machines_log_the_epochs_of_one(folder):
    def epochs(name):
        text = (folder / name / "run" / names.EPOCHS_FILE).read_text()
        return [line for line in map(json.loads, text.splitlines()) if "step" not in line]

    assert len(epochs("two")) == len(epochs("one")) > 1
    for ours, theirs in zip(epochs("two"), epochs("one"), strict=True):
        assert ours.keys() == theirs.keys()
        for figure in ("loss", "binary_accuracy", "val_loss", "val_lrap", "val_micro_f1"):
            assert ours[figure] == pytest.approx(theirs[figure], abs=1e-5)


def test_only_the_chief_has_written(folder):
    def files(name):
        root = folder / name
        found = sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
        # A second writer would have event files of its own.
        return [path.partition("events.out")[0] for path in found]

    assert files("two") == files("one")
    assert "model/Format-Serving/saved_model.pb" in files("two")
    assert not any((folder / "scratch-1").glob("trainer-*"))
