"""What a person reads while a run is at work, on a terminal and in a file."""

from __future__ import annotations

import io
import json
import os
import re
import threading
import time

import pytest

from pipeline.local import narrator as module
from pipeline.local.narrator import Narrator, describe_epochs
from pipeline.local.node_summary import PURPOSES
from pipeline.terminal import Terminal
from tests.support.node_results import bare_result, result

STEP = {"epoch": 2, "epochs": 6, "step": 40, "steps": 90, "seconds": 1.5, "loss": 0.12345}
EPOCH = {"epoch": 2, "epochs": 6, "seconds": 4.0, "loss": 0.1, "val_lrap": 0.8128}


def make(tmp_path, terminal: bool):
    file = io.StringIO()
    console = Terminal(file=file, force_terminal=terminal, width=120, color_system=None)
    return Narrator(console, tmp_path), file


def plain(file: io.StringIO) -> str:
    """The text without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue())


def write_progress(folder, *lines: dict, tail: str = "", age: float = -5.0):
    """A progress file, of the future unless it is given an age in seconds."""
    folder.mkdir(parents=True)
    path = folder / "epochs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + tail)
    changed = time.time() - age
    os.utime(path, (changed, changed))
    return path


def test_a_file_gets_a_line_for_each_component_that_is_done(tmp_path):
    narrator, file = make(tmp_path, terminal=False)
    narrator.busy("Starting: loading TFX")
    narrator.started("DataCheck")
    narrator.finished(result("DataCheck", "data_check", warnings=2))
    narrator.started("StatisticsGen")
    narrator.finished(bare_result("StatisticsGen", seconds=12.34, cached=True))
    narrator.started("Trainer")
    narrator.failed("Trainer", 3.21)
    narrator.stop()
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert [re.sub(r" {2,}", "  ", line) for line in lines] == [
        "✓ DataCheck  stop on anomalies  1.0 s  2 warnings, see the log",
        "= StatisticsGen  compute statistics of each split  cached",
        "✗ Trainer  train and export the model  3.2 s  failed",
    ]
    assert "\x1b" not in file.getvalue()


def test_columns_line_up(tmp_path):
    narrator, file = make(tmp_path, terminal=False)
    for node in PURPOSES:
        narrator.failed(node, 1.0)
    lines = file.getvalue().splitlines()
    assert len({line.index("1.0 s") for line in lines}) == 1
    assert len(lines) == len(PURPOSES)


def test_what_was_counted_is_neither_broken_nor_markup(tmp_path, monkeypatch):
    narrator, file = make(tmp_path, terminal=False)
    monkeypatch.setattr(module, "summarize", lambda _: "[bold] of [UNK] " + "word " * 60)
    narrator.finished(bare_result("Pusher"))
    (line,) = file.getvalue().splitlines()
    assert "[bold] of [UNK]" in line


def test_a_terminal_shows_what_is_at_work(tmp_path):
    narrator, file = make(tmp_path, terminal=True)
    # The last frame is drawn at the latest when something else begins.
    narrator.busy("Starting: loading TFX")
    narrator.started("Transform")
    assert "Starting: loading TFX" in plain(file)
    narrator.stop()
    assert re.search(r"Transform +compute features, encode labels +\d\.\d s", plain(file))
    narrator.failed("Transform", 2.0)
    assert plain(file).rstrip().endswith("failed")


def test_a_terminal_shows_the_epochs_of_this_training_only(tmp_path):
    runs = tmp_path / "Trainer" / "model_run"
    write_progress(runs / "1", {**EPOCH, "epoch": 5}, age=3600)
    narrator, file = make(tmp_path, terminal=True)
    narrator.started("Trainer")
    narrator.stop()
    assert "epoch" not in plain(file)

    write_progress(runs / "2", STEP)
    narrator.started("Trainer")
    narrator.stop()
    assert "epoch 2/6, step 40/90, loss 0.1235" in plain(file)

    narrator, file = make(tmp_path, terminal=True)
    narrator.started("Evaluator")
    narrator.stop()
    assert "epoch" not in plain(file)


def test_a_terminal_shows_the_trial_under_way(tmp_path):
    trials = tmp_path / "Tuner" / ".system" / "executor_execution" / "9" / ".temp" / "trials"
    write_progress(trials / "trial_03", {**EPOCH, "epoch": 5}, age=60)
    write_progress(trials / "trial_04", STEP)
    narrator, file = make(tmp_path, terminal=True)
    narrator.started("Tuner")
    narrator.stop()
    assert re.search("trial 5, epoch 2/6, step 40/90, loss 0.1235", plain(file))


def test_a_terminal_keeps_up_with_the_progress(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_REFRESHES_PER_SECOND", 1000)
    asked = threading.Semaphore(0)

    def progress(*_: object) -> str:
        asked.release()
        return "under way"

    narrator, _ = make(tmp_path, terminal=True)
    monkeypatch.setattr(narrator, "_progress", progress)
    narrator.started("Trainer")
    assert all(asked.acquire(timeout=20) for _ in range(3))
    narrator.stop()
    while asked.acquire(blocking=False):
        pass
    narrator.stop()
    assert not asked.acquire(blocking=False)


@pytest.mark.parametrize(
    ("lines", "tail", "text"),
    [
        ([], '{"epoch": 1', ""),
        ([STEP, EPOCH], "", "epoch 2/6 done, loss 0.1000, validation LRAP 0.813"),
        ([EPOCH, {**STEP, "epoch": 3}], "", "epoch 3/6, step 40/90, loss 0.1235"),
        # Half a line is being written.
        ([STEP, EPOCH], '{"epoch": 3, "ep', "epoch 2/6 done, loss 0.1000, validation LRAP 0.813"),
        ([{**STEP, "loss": float("nan")}], "", "epoch 2/6, step 40/90, loss nan"),
    ],
)
def test_the_last_whole_line_is_described(tmp_path, lines, tail, text):
    assert describe_epochs(write_progress(tmp_path / "run", *lines, tail=tail)) == text
