"""One run on this machine, from a data file to a pushed model and the files beside it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from pipeline.config import Config
from pipeline.local.data_files import place_data
from pipeline.local.narrator import Narrator
from pipeline.local.quiet import output_to_log
from schema import names
from schema.errors import BadInputError, RefusedError, UsageError

if TYPE_CHECKING:
    from pipeline.local.runner import NodeResult

# Beam and TFX complain about every option of the command line that isn't theirs.
_PROGRAM: Final = "arxiv-tagger"
# How much of a failed check's words a person is shown.
_SHOWN_LINES: Final = 3
_SHOWN_WIDTH: Final = 300


@dataclass(frozen=True)
class Layout:
    """The folders of a run's output.

    Attributes:
        root: The output folder.
    """

    root: Path

    @property
    def data(self) -> Path:
        """Downloads and the embedded sample."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """What the libraries printed, a file for each run."""
        return self.root / "logs"

    @property
    def pipeline_root(self) -> Path:
        """TFX's artifacts."""
        return self.root / "pipeline"

    @property
    def metadata(self) -> Path:
        """TFX's ML Metadata store."""
        return self.root / "metadata" / "metadata.sqlite"

    @property
    def report(self) -> Path:
        """The report on the last run."""
        return self.root / names.REPORT_DIR

    @property
    def serving(self) -> Path:
        """The parent of the pushed versions."""
        return self.root / "serving" / names.MODEL_NAME


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        nodes: What became of each node.
        metrics: The metrics on the test split; none where the model can't be served.
        log: The log file.
    """

    nodes: Mapping[str, NodeResult]
    metrics: Mapping[str, float]
    log: Path


def run_locally(config: Config, data: Path, output: Path, console: Console) -> RunResult:
    """Runs the whole pipeline.

    Args:
        config: What the components do.
        data: The CSV file, or its path with `{SPAN}` in it.
        output: The output folder; made where missing.
        console: Where a person reads along; libraries can't write to it.

    Raises:
        TaggerError: Bad input, anomalies, or an output folder that can't be used.
        Exception: Whatever else a component raised.
    """
    # All components share this process, and whichever uses TensorFlow first would take the whole
    # memory of a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    layout = Layout(output.absolute())
    log = layout.logs / f"run-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}.log"
    _make_folders(layout)
    with _only_run(layout), output_to_log(log) as terminal, _own_arguments():
        warnings.simplefilter("ignore")
        narrator = Narrator(_like(console, terminal), layout.pipeline_root)
        narrator.busy("Starting: loading TFX")
        try:
            nodes = _run_graph(config, data.absolute(), layout, narrator)
        finally:
            narrator.quiet()
        from pipeline.local.results import collect

        _push_again(nodes, layout)
        return RunResult(nodes, collect(nodes, layout.root), log)


def refuse_unblessed(result: RunResult) -> None:
    """Raises where the infrastructure check or the gate refused the model.

    Raises:
        RefusedError: The message names each check that failed, or number that fell short.
    """
    from components.evaluator.gate import read_gate
    from pipeline.local.node_facts import infra_report, is_blessed

    report = infra_report(result.nodes["InfraValidator"])
    if not report["passed"]:
        raise RefusedError(_infra_refusal(result, report))
    if is_blessed(result.nodes["Evaluator"]):
        return
    evaluation = result.nodes["Evaluator"].artifact("evaluation").uri
    reasons = "\n".join(f"  {row}" for row in read_gate(evaluation) if not row.passed)
    raise RefusedError(
        f"The gate refused the model, nothing was pushed:\n{reasons}\n"
        "Train a better one, or change the bounds in the profile's `gate` section."
    )


def _infra_refusal(result: RunResult, report: Mapping[str, Any]) -> str:
    reasons = "\n".join(
        f"  {check['name']}: {_cut(check['words'])}"
        for check in report["checks"]
        if check["result"] == "failed"
    )
    folder = result.nodes["InfraValidator"].artifact("blessing").uri
    return (
        f"The model can't be served ({report['server']}), nothing was pushed:\n{reasons}\n"
        f"All checks are in {folder}/{names.INFRA_REPORT_FILE}, and what the server printed in "
        f"{names.SERVER_LOG_FILE} beside it. Correct what the model is exported from; a run with "
        "the same data, settings and code comes to the same."
    )


def _cut(words: str) -> str:
    """Returns the beginning of what may be the log of a server, indented."""
    lines = [
        line if len(line) <= _SHOWN_WIDTH else f"{line[:_SHOWN_WIDTH]}…"
        for line in words.splitlines()
    ]
    more = ["…"] if len(lines) > _SHOWN_LINES else []
    return "\n    ".join(lines[:_SHOWN_LINES] + more)


def _run_graph(
    config: Config, data: Path, layout: Layout, narrator: Narrator
) -> Mapping[str, NodeResult]:
    from tfx.orchestration.metadata import sqlite_metadata_connection_config

    from pipeline.code_version import code_version
    from pipeline.graph import create_pipeline
    from pipeline.local.runner import run_pipeline
    from pipeline.places import Places

    input_base, pattern = place_data(str(data))
    places = Places(
        input_base=input_base,
        pattern=pattern,
        schema_dir=str(_place_schema(layout)),
        pipeline_root=str(layout.pipeline_root),
        serving_dir=str(layout.serving),
    )
    metadata = sqlite_metadata_connection_config(str(layout.metadata))
    return run_pipeline(create_pipeline(config, places, metadata, code_version()), narrator)


def _push_again(nodes: Mapping[str, NodeResult], layout: Layout) -> None:
    """Puts a pushed model back that somebody deleted: the cache knows nothing of that."""
    from components.pusher.atomic_push import push_version

    pushed = nodes["Pusher"].artifact("pushed_model")
    destination = Path(pushed.get_string_custom_property("pushed_destination"))
    if pushed.get_int_custom_property("pushed") and not destination.is_dir():
        push_version(Path(pushed.uri), layout.serving, now=int(destination.name))


def _place_schema(layout: Layout) -> Path:
    """Copies the curated schema to a folder named by its content.

    TFX's cache looks at the path alone: an edited schema must have another one.
    """
    content = (resources.files("schema") / "schema.pbtxt").read_bytes()
    folder = layout.root / "schema" / hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.pbtxt").write_bytes(content)
    return folder


def _make_folders(layout: Layout) -> None:
    try:
        layout.root.mkdir(parents=True, exist_ok=True)
        probe = layout.root / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInputError(
            f"Can't write to {layout.root}: {error.strerror}. Choose another --output folder."
        ) from error


@contextmanager
def _only_run(layout: Layout) -> Iterator[None]:
    """Keeps a second run out of the folder: two would mix their metadata."""
    with (layout.root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"Another run is at work in {layout.root}. Wait for it, or choose another "
                "--output folder."
            ) from error
        yield


@contextmanager
def _own_arguments() -> Iterator[None]:
    """Hides our command line from Beam, which parses it for options of its own."""
    arguments = sys.argv
    sys.argv = [_PROGRAM]
    try:
        yield
    finally:
        sys.argv = arguments


def _like(console: Console, terminal: object) -> Console:
    """Returns a console of the same kind that writes to the terminal's copy."""
    return Console(
        file=terminal,  # type: ignore[arg-type]
        force_terminal=console.is_terminal,
        width=console.width,
        no_color=console.no_color,
    )
