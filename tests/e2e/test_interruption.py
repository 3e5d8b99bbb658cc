"""A run that is killed or interrupted leaves nothing half done, and the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess

from tests.support import runs


def stop_after(line: str, how: signal.Signals, data, output) -> tuple[int, str]:
    """Starts a run, stops it once it has told `line`, and returns its exit code and output."""
    process = subprocess.Popen(
        runs.command(*runs.run_arguments(data, output)),
        cwd=runs.REPOSITORY,
        env=runs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    told = ""
    for part in process.stdout:
        told += part
        if line in part:
            process.send_signal(how)
            break
    told += process.stdout.read()
    return process.wait(), told


def test_runs_go_on_where_they_were_stopped(sample, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    output = tmp_path / "out"
    code, _ = stop_after("✓ StatisticsGen", signal.SIGKILL, sample, output)
    assert code == -signal.SIGKILL
    assert len(list(temporary.iterdir())) == 1
    assert runs.versions(output) == []

    code, told = stop_after("✓ Transform", signal.SIGINT, sample, output)
    assert code == 1
    assert "= CsvExampleGen" in told
    assert "run the same command again to resume" in " ".join(told.split())
    assert "Traceback" not in told
    assert runs.versions(output) == []

    run = runs.run_pipeline(sample, output)
    assert run.code == 0, run.output
    for node in ("CsvExampleGen", "StatisticsGen", "Transform"):
        assert f"= {node}" in run
    assert len(runs.versions(output)) == 1
    assert runs.executions(output)["Transform"]["COMPLETE"] == 1
    assert list(temporary.iterdir()) == []


def test_a_terminal_shows_what_is_at_work(sample, tmp_path):
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        runs.command(*runs.run_arguments(sample, tmp_path / "out")),
        cwd=runs.REPOSITORY,
        env={**runs.environment(), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        # Reading fails once the command has ended.
        while b"Starting: loading TFX" not in shown:
            shown += os.read(ours, 4096)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
