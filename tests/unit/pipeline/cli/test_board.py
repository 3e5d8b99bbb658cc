"""TensorBoard on a training: what it answers is what was trained, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import tensorflow as tf
from sklearn.metrics import precision_score, recall_score

from components.trainer.input_pipeline import make_dataset
from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.settings import TrainerSettings
from components.trainer.train import train
from components.trainer.validation import Predictor
from schema import names
from tests.support import runs
from tests.support.command_line import flat, invoke
from tests.support.trainer_papers import LABELS, VOCABULARY, feature_spec, random_papers, write

STEPS, RATE, EPOCHS = 8, 0.02, 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An output folder with the logs of training 12, its result, and its last predictions."""
    output = tmp_path_factory.mktemp("output")
    settings = TrainerSettings(
        hidden_units=(12,), epochs=EPOCHS, batch_size=16, learning_rate=RATE, patience=None
    )
    files = [write(random_papers(STEPS * 16, 1), str(output / "train")),
             write(random_papers(40, 2), str(output / "val"))]  # fmt: skip
    spec = feature_spec()
    validation = make_dataset(files[1], spec, 16, shuffle=False, seed=0, include_unknown=True)
    model = build_model(VOCABULARY, LABELS, settings)
    compile_model(model, make_optimizer(settings, STEPS))
    logs = output / "pipeline" / "Trainer" / "model_run"
    result = train(
        model,
        make_dataset(files[0], spec, 16, shuffle=True, seed=0),
        validation,
        settings,
        str(logs / "12"),
        steps_per_epoch=STEPS,
        labels=list("abcdef"),
    )
    # An earlier training, and one that failed before it began.
    (logs / "3" / "train").mkdir(parents=True)
    (logs / "3" / "train" / "events.out.tfevents.1.v2").touch()
    (logs / "13").mkdir()
    return output, result, Predictor(model, validation).predict()


def ask(address, path, **query):
    with urlopen(f"{address}data/{path}?{urlencode(query)}", timeout=30) as answer:
        return answer.read().decode()


def test_it_shows_the_last_training_until_ctrl_c(trained):
    output, result, (truth, logits, *_) = trained
    process = subprocess.Popen(
        runs.command("board", "--output", output, "--port", 0),
        env={**runs.environment(), "PYTHONUNBUFFERED": "1"},
        cwd=runs.REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = process.stdout.readline()
        assert f"{output}/pipeline/Trainer/model_run/12 at " in told
        address = re.search(r"http://(localhost|127\.0\.0\.1):\d+/", told)[0]
        while set(json.loads(ask(address, "runs"))) != {"train", "validation"}:
            time.sleep(0.1)

        def series(run, tag):
            points = json.loads(ask(address, "plugin/scalars/scalars", run=run, tag=tag))
            return {step: value for _, step, value in points}

        for name, values in result.history.items():
            run = "validation" if name.startswith("val_") else "train"
            shown = series(run, f"epoch_{name.removeprefix('val_')}")
            assert shown == pytest.approx(dict(enumerate(values, 1)), rel=1e-6), name
        # One more step is counted after each epoch.
        rates = {epoch: RATE * (1 - epoch * (STEPS + 1) / (EPOCHS * STEPS)) for epoch in (1, 2)}
        assert series("train", "epoch_learning_rate") == pytest.approx({**rates, 3: 0}, rel=1e-5)
        for name in ("loss", names.INPUT_WAIT_SHARE):
            assert min(series("train", f"batch_{name}")) == 1

        scores = tf.sigmoid(logits).numpy()
        for column, label in enumerate("abcdef"):
            tag = f"precision_recall/{label}/pr_curves"
            curves = ask(address, "plugin/pr_curves/pr_curves", run="validation", tag=tag)
            *_, last = json.loads(curves)["validation"]
            assert last["step"] == EPOCHS
            points = zip(last["thresholds"], last["precision"], last["recall"], strict=True)
            for threshold, *shown in list(points)[::20]:
                each = truth[:, column], scores[:, column] >= threshold
                expected = [
                    score(*each, zero_division=0) for score in (precision_score, recall_score)
                ]
                assert shown == pytest.approx(expected, abs=1e-6), (label, threshold)
        assert "hidden_1" in ask(address, "plugin/graphs/graph", run="validation")
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "\n")


def test_what_a_person_can_get_wrong_is_explained(trained, tmp_path, monkeypatch):
    output, *_ = trained
    done = invoke("board", "--output", str(tmp_path))
    assert done.exit_code == 2
    assert f"no log of a training in {tmp_path}. Train with `arxiv-tagger run" in flat(done.output)
    done = invoke("board", "--output", str(output), "--training", "13")
    assert done.exit_code == 2
    assert f"no training 13 in {output}, only 3, 12." in flat(done.output)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = invoke("board", "--output", str(output), "--port", str(port))
    assert done.exit_code == 2
    assert f"port {port}, it was already in use. Choose another" in flat(done.output)
    monkeypatch.setitem(sys.modules, "tensorboard.default", None)
    done = invoke("board", "--output", str(output), "--training", "3")
    assert done.exit_code == 2
    assert "TensorBoard can't be loaded" in flat(done.output)
    assert "arxiv-tagger[pipeline]" in done.output
