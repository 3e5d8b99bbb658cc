"""One run on this machine, from a data file to a pushed model and the files beside it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components.example_gen.spans import split_path
from pipeline.config import Config
from pipeline.local.narrator import Narrator
from pipeline.local.output_folder import OutputFolder, full_path, plain_path
from pipeline.local.output_redirect import output_to_log
from pipeline.local.results import NodeResult, collect
from pipeline.local.temporary_folder import own_temporary_folder
from pipeline.places import Places
from pipeline.terminal import Terminal

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

    from components.evaluator.gate import GateRow

# Beam and TFX complain about every option of the command line that isn't theirs.
_PROGRAM: Final = "arxiv-tagger"


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        nodes: What became of each node.
        metrics: The metrics on the test split; none where the model can't be served.
        gate: The gate's verdict on each bound; none where the model can't be served.
        log: The log file.
    """

    nodes: Mapping[str, NodeResult]
    metrics: Mapping[str, float]
    gate: Sequence[GateRow]
    log: Path


def run_locally(config: Config, data: Path, output: Path, console: Terminal) -> RunResult:
    """Runs the whole pipeline.

    Args:
        config: What the components do.
        data: The file of data, or its path with `{SPAN}` in it.
        output: The output folder; made where missing.
        console: Where a person reads along; libraries can't write to it.

    Raises:
        TaggerError: Bad input, anomalies, or an output folder that can't be used.
        Exception: Whatever else a component raised.
    """
    output = full_path(output)
    folder = OutputFolder(plain_path(output))
    log = OutputFolder(output).logs / f"run-{datetime.now(timezone.utc):%Y%m%dT%H%M%S}.log"
    # Where standard output is the log, it has neither a width nor colors.
    width, no_color = console.width, console.no_color
    with (
        folder.locked(),
        own_temporary_folder(),
        output_to_log(log) as terminal,
        _own_arguments(),
    ):
        warnings.simplefilter("ignore")
        person = Terminal(console.words, file=terminal, width=width, no_color=no_color)
        narrator = Narrator(person, folder.pipeline_root)
        narrator.busy("Starting: loading TFX")
        try:
            from components.evaluator.gate import read_gate
            from pipeline.local.beam_steps import inspect_steps_once
            from pipeline.local.index import mend_index
            from pipeline.local.run_log import configure_logging
            from pipeline.local.runner import run_pipeline

            configure_logging()
            pipeline = local_pipeline(config, data, folder)
            for sentence in mend_index(pipeline.metadata_connection_config, folder):
                person.say(sentence)
            inspect_steps_once()
            beside = ("Baselines",) if config.baselines.beside_training else ()
            nodes = run_pipeline(pipeline, narrator, beside)
        finally:
            narrator.stop()
        _restore_version(nodes["Pusher"], folder.serving)
        metrics = collect(nodes, folder.root)
        evaluation = nodes["Evaluator"].artifact("evaluation").uri
        return RunResult(nodes, metrics, read_gate(evaluation) if metrics else (), log)


def local_pipeline(config: Config, data: Path, folder: OutputFolder) -> Pipeline:
    """Builds the graph of a run on this machine.

    Args:
        config: What the components do.
        data: The file of data, or its path with `{SPAN}` in it.
        folder: The output folder.
    """
    from tfx.orchestration.metadata import sqlite_metadata_connection_config

    from pipeline.code_version import code_version
    from pipeline.graph import create_pipeline

    # All components share this process, and whichever uses TensorFlow first would take the whole
    # memory of a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    input_base, pattern = split_path(str(full_path(data)))
    places = Places(
        input_base=input_base,
        pattern=pattern,
        schema_dir=str(folder.place_schema()),
        pipeline_root=str(folder.pipeline_root),
        serving_dir=str(folder.serving),
    )
    metadata = sqlite_metadata_connection_config(str(folder.metadata))
    return create_pipeline(config, places, metadata, code_version())


def _restore_version(pusher: NodeResult, serving: Path) -> None:
    """Puts a pushed version back that somebody deleted: the cache knows nothing of that."""
    from components.pusher.atomic_push import push_version

    pushed = pusher.artifact("pushed_model")
    destination = Path(pushed.get_string_custom_property("pushed_destination"))
    if pushed.get_int_custom_property("pushed") and not destination.is_dir():
        push_version(Path(pushed.uri), serving, now=int(destination.name))


@contextmanager
def _own_arguments() -> Iterator[None]:
    """Hides our command line from Beam, which parses it for options of its own."""
    arguments = sys.argv
    sys.argv = [_PROGRAM]
    try:
        yield
    finally:
        sys.argv = arguments
