"""Several runs into one folder: what is taken from the cache, what runs, what is pushed."""

from __future__ import annotations

import collections
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

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


def copy_of_the_code(target: Path) -> Path:
    for room in ("schema", "serving", "components", "pipeline"):
        shutil.copytree(
            runs.REPOSITORY / room, target / room, ignore=shutil.ignore_patterns("__pycache__")
        )
    return target


@pytest.fixture(scope="module")
def steps(sample, tmp_path_factory) -> dict[str, Step]:
    """Runs one after the other; each test looks at what it is about."""
    folder = tmp_path_factory.mktemp("row")
    output = folder / "out"
    done: dict[str, Step] = {}

    def step(name: str, *settings: str, root: Path = runs.REPOSITORY) -> None:
        run = runs.run_pipeline(sample, output, *settings, root=root)
        report = json.loads((output / "report" / "report.json").read_text())
        done[name] = Step(
            run,
            runs.executions(output),
            [version.name for version in runs.versions(output)],
            json.loads((output / "metrics.json").read_text()),
            report["verdict"],
            report["data"]["drift"],
        )

    step("first")
    step("second")
    step("third")
    code = copy_of_the_code(folder / "code")
    with (code / "components" / "evaluator" / "tfma_metrics.py").open("a") as file:
        file.write("# A changed line.\n")
    step("changed code", root=code)
    step("changed gate", "gate.floors={micro_f1: 0.99, lrap: 0.1}")
    step("changed training", "trainer.epochs=3")
    return done


def ran(before: Step, after: Step) -> dict[str, str]:
    """Returns the nodes of a step with the state of their new execution."""
    return {
        node: ", ".join((states - before.executions.get(node, collections.Counter())).elements())
        for node, states in after.executions.items()
    }


def test_every_run_ends_well(steps):
    for name in ("first", "second", "third", "changed code", "changed training"):
        assert steps[name].run.code == 0, steps[name].run.output


def test_three_runs_train_once_and_push_once(steps):
    states = steps["third"].executions
    assert states["Trainer"] == {"COMPLETE": 1, "CACHED": 2}
    for node in (*BEFORE_TRAINER, "Baselines", "InfraValidator"):
        assert states[node] == {"COMPLETE": 1, "CACHED": 2}, node
    # In the second run the model has just been blessed and is its own baseline.
    assert states["Evaluator"] == {"COMPLETE": 2, "CACHED": 1}
    # And its data has a last run's to be compared with.
    assert states["Report"] == {"COMPLETE": 2, "CACHED": 1}
    assert len(steps["third"].versions) == 1
    assert "nothing new" in steps["second"].run


def test_cached_runs_report_the_same(steps):
    # The second run's Evaluator has a model to compare with, and Beam adds up in another order.
    same = pytest.approx(steps["first"].metrics, rel=0, abs=1e-9)
    assert steps["second"].metrics == same
    assert steps["third"].metrics == same
    assert steps["third"].drift == {"state": "same"}
    assert "= Trainer" in steps["third"].run


def test_changed_code_runs_its_component_and_those_after_it(steps):
    states = ran(steps["third"], steps["changed code"])
    assert {node for node, state in states.items() if state == "COMPLETE"} >= {"Evaluator"}
    for node in (*BEFORE_TRAINER, "Trainer"):
        assert states[node] == "CACHED", node
    assert steps["changed code"].versions == steps["first"].versions


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


def test_a_changed_training_setting_reuses_all_before_trainer(steps):
    states = ran(steps["changed gate"], steps["changed training"])
    for node in BEFORE_TRAINER:
        assert states[node] == "CACHED", node
    assert states["Trainer"] == "COMPLETE"
    assert len(steps["changed training"].versions) == 2
