"""The trial of a candidate: a server loads it, is asked about papers, and its answers checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from tfx import types
from tfx.utils import io_utils, path_utils

from components.infra_validator.answers import ask_over_grpc, ask_over_rest, load_and_ask
from components.infra_validator.checks import (
    VALUE_CHECKS,
    CollectedResponses,
    Problems,
    check_shapes,
)
from components.infra_validator.requests import COMPUTED, make_questions
from components.infra_validator.server_process import ServerProcess, UnservableModelError
from components.infra_validator.settings import InfraSettings
from components.papers.raw_paper import RawPaper
from schema import names
from schema.errors import BadInputError
from serving.model_metadata import ModelMetadata

_SHOWN_PROBLEMS: Final = 5
_T = TypeVar("_T")


@dataclass
class Report:
    """The checks of one candidate, as they are made; what an earlier fault rules out is not made.

    Attributes:
        server: The kind of server it was tried on.
        papers: Number of papers the server was asked about.
        checks: Of each its `name`, its `result` (`passed` or `failed`), and a `message` that says
            what is wrong.
    """

    server: str
    papers: int
    checks: list[dict[str, str]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing has failed so far."""
        return all(check["result"] == "passed" for check in self.checks)

    def make(self, name: str, check: Callable[[], _T]) -> _T | None:
        """Makes a check, which raises an UnservableModelError if the model fails.

        Returns:
            What `check` returned; None if it failed.
        """
        try:
            value = check()
        except UnservableModelError as fault:
            self.checks.append({"name": name, "result": "failed", "message": str(fault)})
            return None
        self.checks.append({"name": name, "result": "passed", "message": ""})
        return value


def try_candidate(
    model: types.Artifact,
    papers: Sequence[RawPaper],
    settings: InfraSettings,
    folder: Path,
    log: Path,
) -> Report:
    """Makes all checks of a candidate.

    Args:
        model: The candidate.
        papers: Papers that the server is asked about, at least one.
        settings: How long the server may take.
        folder: An empty temporary folder.
        log: File for what the server prints.

    Raises:
        TaggerError: No server could be started, or it gave no answer in time.
    """
    base = folder / "models" / names.MODEL_NAME
    saved_model = _place(path_utils.serving_model_path(model.uri), base)
    server = ServerProcess(base, log)
    report = Report(server.kind, len(papers))
    facts = report.make("labels and threshold", lambda: _read_facts(saved_model))
    if not facts:
        return report
    labels, threshold, lacks = facts
    questions = [each for each in make_questions(papers) if each.signature not in lacks]
    computed = [question for question in questions if question.name in COMPUTED]
    start_timeout, timeout = settings.start_timeout_seconds, settings.request_timeout_seconds
    with server:
        # The server takes some seconds to start; meanwhile this process asks the model.
        exported = report.make(
            "the exported model answers", lambda: load_and_ask(computed, saved_model)
        )
        report.make("the server loads it", lambda: server.wait_until_available(start_timeout))
        if report.checks[-1]["result"] == "failed":
            return report
        grpc = report.make("answers over gRPC", lambda: ask_over_grpc(questions, server, timeout))
        rest = report.make("answers over REST", lambda: ask_over_rest(questions, server, timeout))
    if exported and grpc and rest:
        served = {"gRPC": grpc, "REST": rest}
        _judge(report, CollectedResponses(len(papers), labels, threshold, served, exported, lacks))
    return report


def _judge(report: Report, seen: CollectedResponses) -> None:
    """Checks all answers; the values only if their shapes are right."""
    report.make("shapes and types", partial(_require, check_shapes(seen)))
    if report.passed:
        for name, check in VALUE_CHECKS.items():
            report.make(name, partial(_require, check(seen)))


def _place(model_path: str, base: Path) -> Path:
    """Makes a SavedModel version 1 below a base path: by a link, or a copy of a remote one."""
    version = base / "1"
    base.mkdir(parents=True)
    if "://" in model_path:
        io_utils.copy_dir(model_path, str(version))
    else:
        version.symlink_to(Path(model_path).absolute(), target_is_directory=True)
    return version


def _read_facts(saved_model: Path) -> tuple[tuple[str, ...], float, Sequence[str]]:
    """Returns the labels, the threshold, and what the model lacks."""
    metadata = ModelMetadata(saved_model)
    try:
        return metadata.labels, metadata.threshold, metadata.lacks
    except BadInputError as error:
        raise UnservableModelError(f"the SavedModel is incomplete: {error}") from error


def _require(problems: Problems) -> None:
    """Raises a UnservableModelError with what a check found."""
    found = list(problems)
    if len(found) > _SHOWN_PROBLEMS:
        found[_SHOWN_PROBLEMS:] = [f"and {len(found) - _SHOWN_PROBLEMS} more"]
    if found:
        raise UnservableModelError("\n".join(found))
