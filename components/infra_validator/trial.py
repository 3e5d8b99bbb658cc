"""The trial of a candidate: a server loads it, is asked about papers, and is checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from tfx import types
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

from components.infra_validator.answers import (
    Answer,
    ask_exported,
    ask_over_grpc,
    ask_over_rest,
    load_exported,
)
from components.infra_validator.checks import VALUE_CHECKS, Observed, Problems, shapes
from components.infra_validator.faults import ModelFault
from components.infra_validator.report import FILES, GRPC, LOADS, REQUESTS, REST, SHAPES, Report
from components.infra_validator.requests import Question, make_questions
from components.infra_validator.server_process import ServerProcess
from components.infra_validator.settings import InfraSettings
from components.labels.threshold import Floats
from components.papers.raw_paper import RawPaper
from schema import names
from schema.errors import BadInputError
from serving.model_metadata import ModelMetadata

T = TypeVar("T")

_SHOWN_PROBLEMS: Final = 5


@dataclass(frozen=True)
class Facts:
    """What the model says of itself.

    Attributes:
        vocabulary: Its labels, in the order of its probabilities.
        thresholds: Lowest score at which it suggests each of them, float32 [L].
    """

    vocabulary: tuple[str, ...]
    thresholds: Floats


@dataclass(frozen=True)
class Trial:
    """One candidate and what it is asked about.

    Attributes:
        model: The candidate.
        papers: At least one paper.
        settings: How long the server may take.
        folder: An empty folder for the time of the trial.
        log: File for what the server prints.
    """

    model: types.Artifact
    papers: Sequence[RawPaper]
    settings: InfraSettings
    folder: Path
    log: Path

    def run(self) -> Report:
        """Makes the checks, each on the ground of those before it.

        Raises:
            TaggerError: No server could be started, or it did not answer in time.
        """
        base = self.folder / "models" / names.MODEL_NAME
        model = _fetch(self.model, self.folder / "fetched")
        candidate = _place(path_utils.serving_model_path(model.uri), base)
        server = ServerProcess(names.MODEL_NAME, base, self.log)
        report = Report(server.kind, len(self.papers))
        facts = report.make(FILES, lambda: _read_facts(candidate))
        if facts:
            with server:
                # The server takes some seconds to start; this fills them.
                exported = _attempt(lambda: load_exported(str(candidate)))
                timeout = self.settings.start_timeout_seconds
                report.make(LOADS, lambda: server.wait_until_available(timeout))
                if report.passed:
                    self._ask(report, server, exported, facts, model)
        report.finish()
        return report

    def _ask(
        self,
        report: Report,
        server: ServerProcess,
        exported: Any,
        facts: Facts,
        model: types.Artifact,
    ) -> None:
        timeout = self.settings.request_timeout_seconds
        questions = report.make(
            REQUESTS, lambda: make_questions(model, self.papers, self.folder / "sample")
        )
        if not questions:
            return
        grpc = report.make(GRPC, lambda: ask_over_grpc(questions, server, timeout))
        rest = report.make(REST, lambda: ask_over_rest(questions, server, timeout))
        if not grpc or not rest:
            return
        seen = Observed(
            papers=len(self.papers),
            vocabulary=facts.vocabulary,
            thresholds=facts.thresholds,
            grpc=grpc,
            rest=rest,
            exported=_ask_exported(questions, exported),
        )
        report.make(SHAPES, partial(_require, shapes, seen))
        if report.passed:
            for name, check in VALUE_CHECKS.items():
                report.make(name, partial(_require, check, seen))


def _fetch(model: types.Artifact, folder: Path) -> types.Artifact:
    """Returns the model as one whose files are on this machine; copies it where they are not."""
    if "://" not in model.uri:
        return model
    local = standard_artifacts.Model()
    local.uri = str(folder)
    io_utils.copy_dir(
        path_utils.serving_model_path(model.uri), path_utils.serving_model_dir(local.uri)
    )
    return local


def _place(model_path: str, base: Path) -> Path:
    """Makes a local SavedModel version 1 below a base path, by a link."""
    version = base / "1"
    base.mkdir(parents=True)
    version.symlink_to(Path(model_path).absolute(), target_is_directory=True)
    return version


def _read_facts(candidate: Path) -> Facts:
    metadata = ModelMetadata(candidate)
    try:
        return Facts(metadata.labels, np.array(metadata.thresholds, np.float32))
    except BadInputError as error:
        raise ModelFault(f"the SavedModel is incomplete: {error}") from error


def _ask_exported(questions: Sequence[Question], exported: Any) -> dict[str, Answer] | ModelFault:
    if isinstance(exported, ModelFault):
        return exported
    return _attempt(lambda: ask_exported(questions, exported))


def _attempt(function: Callable[[], T]) -> T | ModelFault:
    """Keeps a fault for the check that it belongs to."""
    try:
        return function()
    except ModelFault as fault:
        return fault


def _require(check: Callable[[Observed], Problems], seen: Observed) -> None:
    """Raises a ModelFault with what a check found."""
    problems = list(check(seen))
    if len(problems) > _SHOWN_PROBLEMS:
        problems[_SHOWN_PROBLEMS:] = [f"and {len(problems) - _SHOWN_PROBLEMS} more"]
    if problems:
        raise ModelFault("\n".join(problems))
