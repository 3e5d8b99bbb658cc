"""`arxiv-tagger board`: TensorBoard on what Trainer logged."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import warnings
from pathlib import Path

import click

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.local.output_folder import OutputFolder
from schema.errors import UsageError


@click.command()
@options.folder("--output", "The output folder of a run.")
@click.option("--training", metavar="NUMBER", help="Which training to show. [default: the last]")
@click.option("--port", type=click.IntRange(0, 65535), default=6006, show_default=True)
@report_errors
def board(output: Path, training: str | None, port: int) -> None:
    """Show a training in TensorBoard, also while it goes on.

    Only this machine can open it. Ctrl-C ends it.
    """
    base = OutputFolder(output.absolute()).pipeline_root / "Trainer" / "model_run"
    logged = {file.relative_to(base).parts[0] for file in base.glob("*/*/events.out.tfevents.*")}
    if not logged:
        raise UsageError(
            f"There is no log of a training in {output}. Train with `arxiv-tagger run --output "
            f"{output}`, or give the output folder of a run with --output."
        )
    numbers = sorted(logged, key=int)
    if training not in (None, *numbers):
        raise UsageError(f"There is no training {training} in {output}, only {', '.join(numbers)}.")
    logs = base / (training or numbers[-1])
    click.echo(f"TensorBoard shows {logs} at {_launch(logs, port)} (Ctrl-C ends it)")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    click.echo()


def _launch(logs: Path, port: int) -> str:
    """Starts TensorBoard in a thread, and returns its address.

    Raises:
        UsageError: It can't be loaded, or can't listen on the port.
    """
    # Its page makes TensorFlow tell of GPU libraries.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # It praises its experimental loader, and setuptools warns of pkg_resources.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from tensorboard import program
            from tensorboard.default import get_plugins
        except ImportError as error:
            raise UsageError(
                f"TensorBoard can't be loaded: {error}. Install what it needs: "
                "pip install 'arxiv-tagger[pipeline]'"
            ) from error
        server = program.TensorBoard(get_plugins())
        server.configure(logdir=str(logs), port=port)
        try:
            return str(server.launch())
        except program.TensorBoardServerException as error:
            raise UsageError(f"{error.msg}. Choose another with --port.") from error
