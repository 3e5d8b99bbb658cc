"""Tells a person what the pipeline does: a line for each component, progress inside it."""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from pipeline.local.node_summary import PURPOSES, summarize
from pipeline.local.results import NodeResult
from pipeline.terminal import Part, Terminal, styled
from schema.names import EPOCHS_FILE

_REFRESHES_PER_SECOND: Final = 4
_NAME_WIDTH: Final = max(map(len, PURPOSES))
_PURPOSE_WIDTH: Final = max(map(len, PURPOSES.values()))

# Folders of the trainings, in those of the nodes.
_TRAININGS: Final = {
    "Trainer": "model_run/*",
    "Tuner": ".system/executor_execution/*/.temp/trials/trial_*",
}


class Narrator:
    """Writes a run's progress to a terminal, or to a file that stands in for one."""

    def __init__(self, console: Terminal, pipeline_root: Path) -> None:
        """Writes to `console`; `pipeline_root` is where Trainer's progress is read."""
        self._console = console
        self._root = pipeline_root
        self._live: Live | None = None
        self._busy = ""
        # By node, when it started. Nodes that run side by side tell from threads of their own.
        self._at_work: dict[str, float] = {}
        self._lock = threading.RLock()

    def busy(self, text: str) -> None:
        """Shows that something is going on, until the next call of any method."""
        with self._lock:
            self._busy = text
            self._show()

    def started(self, node_id: str) -> None:
        """Shows a component at work."""
        with self._lock:
            self._busy = ""
            self._at_work[node_id] = time.time()
            self._show()

    def finished(self, result: NodeResult) -> None:
        """Writes the line of a component that is done."""
        took = "  cached" if result.cached else f"{result.seconds:6.1f} s"
        mark = ("=", "cyan") if result.cached else ("✓", "green")
        label = self._label(result.node_id)
        self._write(result.node_id, mark, " ", *label, f"  {took}  {summarize(result)}")

    def failed(self, node_id: str, seconds: float) -> None:
        """Writes the line of a component that raised an error."""
        took = f"  {seconds:6.1f} s  "
        self._write(node_id, ("✗", "red"), " ", *self._label(node_id), took, ("failed", "red"))

    def stop(self) -> None:
        """Removes the lines that show something at work."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _show(self) -> None:
        """Draws anew what is at work, on a terminal."""
        self.stop()
        if not self._console.is_terminal or not (self._busy or self._at_work):
            return
        lines = [partial(self._describe, *each) for each in self._at_work.items()]
        lines = lines or [partial(Text, self._busy)]
        spinners = [Spinner("dots") for _ in lines]

        def render() -> Group:
            for spinner, line in zip(spinners, lines, strict=True):
                spinner.update(text=line())
            return Group(*spinners)

        self._live = Live(
            get_renderable=render,
            console=self._console,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            # What libraries print stays in the log.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _write(self, node_id: str, *parts: Part) -> None:
        with self._lock:
            self.stop()
            self._at_work.pop(node_id, None)
            self._console.say(*parts)
            self._show()

    def _describe(self, node_id: str, since: float) -> Text:
        took = f"  {time.time() - since:6.1f} s  "
        return styled(*self._label(node_id), took, self._progress(node_id, since))

    def _label(self, node_id: str) -> tuple[Part, ...]:
        purpose = self._console.words.of(PURPOSES.get(node_id, ""))
        return (f"{node_id:<{_NAME_WIDTH}}", "bold"), f"  {purpose:<{_PURPOSE_WIDTH}}"

    def _progress(self, node_id: str, since: float) -> str:
        if node_id not in _TRAININGS:
            return ""
        try:
            found = (self._root / node_id).glob(f"{_TRAININGS[node_id]}/{EPOCHS_FILE}")
            changed, newest = max(
                ((path.stat().st_mtime, path) for path in found), default=(0, None)
            )
            if newest is None or changed < since:
                return ""
            trial = newest.parent.name.removeprefix("trial_") if node_id == "Tuner" else ""
            return (f"trial {int(trial) + 1}, " if trial else "") + describe_epochs(newest)
        except FileNotFoundError:
            # TFX has just removed the folder of a search that is over.
            return ""


def describe_epochs(progress: Path) -> str:
    """Describes the last whole line of Trainer's progress file."""
    lines = [line for line in progress.read_text("utf-8").split("\n")[:-1] if line]
    if not lines:
        return ""
    last = json.loads(lines[-1])
    text = f"epoch {last['epoch']}/{last['epochs']}"
    if "step" in last:
        return f"{text}, step {last['step']}/{last['steps']}, loss {last['loss']:.4f}"
    return f"{text} done, loss {last['loss']:.4f}, validation LRAP {last['val_lrap']:.3f}"
