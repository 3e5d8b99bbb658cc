"""Several runs into one folder: what is taken from the cache, what runs, what is pushed."""

from __future__ import annotations

import collections
import json
import shutil
from dataclasses import dataclass

import pytest

from tests.support import runs

BEFORE_TRAINER = (
    "CsvExampleGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "DataCheck",
    "Transform",
)


@dataclass(frozen=True)
class Step:
    """A run, and what there was after it."""

    run: runs.Run
    executions: dict[str, collections.Counter[str]]
    versions: list[str]
    metrics: dict[str, float]
    verdict: dict[str, object]
    drift: dict[str, object]


@pytest.fixture(scope="module")
def steps(sample, first_run, tmp_path_factory) -> dict[str, Step]:
    """Runs one after the other; each test looks at what it is about."""
    output = first_run.live
    done: dict[str, Step] = {}

    def look(name: str, run: runs.Run) -> None:
        report = json.loads((output / "report" / "report.json").read_text())
        done[name] = Step(
            run,
            runs.executions(output),
            [version.name for version in runs.versions(output)],
            json.loads((output / "metrics.json").read_text()),
            report["verdict"],
            report["data"]["drift"],
        )

    look("first", first_run.run)
    for name in ("second", "third"):
        look(name, runs.run_pipeline(sample, output))
    floors = "gate.floors={micro_f1: 0.99, lrap: 0.1}"
    look("changed gate", runs.run_pipeline(sample, output, floors))
    code = runs.copy_code(tmp_path_factory.mktemp("changed") / "code")
    with (code / "components" / "data_check" / "component.py").open("a") as file:
        file.write("# A changed line.\n")
    # Earlier models are gone, the last blessed one among them.
    shutil.rmtree(output / "pipeline" / "Trainer")
    run = runs.run_pipeline(sample, output, "trainer.epochs=3", root=code)
    look("changed code and training", run)
    return done


def ran(before: Step, after: Step) -> dict[str, str]:
    """Returns the nodes of a step with the state of their new execution."""
    return {
        node: ", ".join((states - before.executions.get(node, collections.Counter())).elements())
        for node, states in after.executions.items()
    }


def test_every_run_ends_well(steps):
    for name in ("first", "second", "third", "changed code and training"):
        assert steps[name].run.code == 0, steps[name].run.output


def test_three_runs_train_once_and_push_once(steps):
    states = steps["third"].executions
    assert states["Trainer"] == {"COMPLETE": 1, "CACHED": 2}
    # The model has been blessed by the second run, but isn't its own baseline.
    for node in (*BEFORE_TRAINER, "Baselines", "InfraValidator", "Evaluator"):
        assert states[node] == {"COMPLETE": 1, "CACHED": 2}, node
    # In the second run the data has a last run's to be compared with.
    assert states["Report"] == {"COMPLETE": 2, "CACHED": 1}
    assert len(steps["third"].versions) == 1
    assert "nothing new" in steps["second"].run


def test_cached_runs_report_the_same(steps):
    assert steps["second"].metrics == steps["first"].metrics
    assert steps["third"].metrics == steps["first"].metrics
    assert steps["third"].drift == {"state": "same"}
    assert "= Trainer" in steps["third"].run


def test_a_refused_model_is_not_pushed(steps):
    step = steps["changed gate"]
    assert step.run.code == 5
    assert f"micro_f1 is {step.metrics['micro_f1']:.4f}, must be at least 0.9900" in step.run
    assert "lrap is" not in step.run
    # The report tells of it too.
    assert step.verdict["state"] == "refused"
    assert [reason.split()[0] for reason in step.verdict["reasons"]] == ["micro_f1"]
    assert "Traceback" not in step.run.output
    assert step.versions == steps["first"].versions


def test_a_change_runs_what_it_concerns_again_and_no_more(steps):
    step = steps["changed code and training"]
    states = ran(steps["changed gate"], step)
    assert "Results of Trainer were deleted" in step.run
    for node in ("DataCheck", "Trainer", "InfraValidator", "Evaluator", "Pusher", "Report"):
        assert states[node] == "COMPLETE", node
    for node in BEFORE_TRAINER:
        assert node == "DataCheck" or states[node] == "CACHED", node
    assert states["Baselines"] == "CACHED"
    assert len(step.versions) == 2
