"""Tells a person what the pipeline does: a line for each component, progress inside it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from pipeline.local.node_facts import PURPOSES, counted
from schema.names import EPOCHS_FILE

if TYPE_CHECKING:
    from pipeline.local.runner import NodeResult

_REFRESH_SECONDS = 0.5
_NAME_WIDTH = max(map(len, PURPOSES))
_PURPOSE_WIDTH = max(map(len, PURPOSES.values()))


class Narrator:
    """An observer of a run that writes to a terminal, or to a file that stands in for one."""

    def __init__(self, console: Console, pipeline_root: Path) -> None:
        """Writes to `console`; `pipeline_root` is where Trainer's progress is read."""
        self._console = console
        self._root = pipeline_root
        self._status: Status | None = None
        self._stop = threading.Event()
        self._ticker: threading.Thread | None = None

    def busy(self, text: str) -> None:
        """Shows that something goes on, until the next call of any method."""
        self.quiet()
        self._begin(lambda: text)

    def started(self, node_id: str) -> None:
        """Shows a component at work."""
        self.quiet()
        since = time.time()
        label = _label(node_id)

        def text() -> str:
            return (
                f"{label}  {time.time() - since:6.1f} s  {escape(self._progress(node_id, since))}"
            )

        self._begin(text)

    def finished(self, result: NodeResult) -> None:
        """Writes the line of a component that is done."""
        self.quiet()
        took = "  cached" if result.cached else f"{result.seconds:6.1f} s"
        mark = "[cyan]=[/]" if result.cached else "[green]✓[/]"
        self._line(f"{mark} {_label(result.node_id)}  {took}  {escape(counted(result))}")

    def failed(self, node_id: str, seconds: float) -> None:
        """Writes the line of a component that raised."""
        self.quiet()
        self._line(f"[red]✗[/] {_label(node_id)}  {seconds:6.1f} s  [red]failed[/]")

    def quiet(self) -> None:
        """Ends the line that shows something at work."""
        self._stop.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _begin(self, text: Callable[[], str]) -> None:
        if not self._console.is_terminal:
            return
        self._status = self._console.status(text())
        self._status.start()
        self._stop = threading.Event()
        self._ticker = threading.Thread(
            target=self._tick, args=(self._status, self._stop, text), daemon=True
        )
        self._ticker.start()

    @staticmethod
    def _tick(status: Status, stop: threading.Event, text: Callable[[], str]) -> None:
        while not stop.wait(_REFRESH_SECONDS):
            status.update(text())

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _progress(self, node_id: str, since: float) -> str:
        if node_id != "Trainer":
            return ""
        files = [
            path
            for path in (self._root / "Trainer" / "model_run").glob(f"*/{EPOCHS_FILE}")
            if path.stat().st_mtime >= since
        ]
        return describe_epochs(max(files, key=lambda path: path.stat().st_mtime)) if files else ""


def describe_epochs(progress: Path) -> str:
    """Puts the last whole line of Trainer's progress file into words."""
    lines = [line for line in progress.read_text("utf-8").split("\n")[:-1] if line]
    if not lines:
        return ""
    last = json.loads(lines[-1])
    text = f"epoch {last['epoch']}/{last['epochs']}"
    if "step" in last:
        return f"{text}, step {last['step']}/{last['steps']}, loss {last['loss']:.4f}"
    return f"{text} done, loss {last['loss']:.4f}, validation LRAP {last['val_lrap']:.3f}"


def _label(node_id: str) -> str:
    purpose = PURPOSES.get(node_id, "")
    return f"[bold]{node_id:<{_NAME_WIDTH}}[/]  {purpose:<{_PURPOSE_WIDTH}}"
