"""The gate's table at the end of a run, and the message of a refusal."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from components.evaluator.gate import GateRow
from pipeline.cli.run_results import refuse_unblessed, show_gate
from pipeline.terminal import Terminal
from schema.errors import RefusedError
from schema.words import PAPERS
from tests.support.node_results import result

FLOORS = [
    GateRow("examples", 1_836, None, 500, False, True, papers=1_836, left_out=36),
    GateRow("lrap", 0.79999, None, 0.8, False, False, papers=1_836, left_out=36),
]
COMPARISON = [
    GateRow("compared_examples", 1_800, None, 500, False, True, papers=1_800, left_out=36),
    GateRow("micro_f1", 0.7, 0.72, -0.01, True, False, papers=1_800, left_out=36),
    GateRow("precision@1", 0.95, 0.95, 0.0, True, True, papers=1_800, left_out=36),
]


def shown(rows) -> list[str]:
    console = Terminal(width=200, record=True)
    show_gate(console, rows)
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_the_table_has_a_line_for_each_bound():
    assert shown([*FLOORS, *COMPARISON]) == [
        "Gate candidate last blessed bound",
        "examples 1,836 at least 500 ✓ passed",
        "lrap 0.799990000 at least 0.800000000 ✗ refused",
        "compared examples 1,800 at least 500 ✓ passed",
        "micro_f1 0.7000 0.7200 at least the last - 0.0100 ✗ refused",
        "precision@1 0.9500 0.9500 at least the last ✓ passed",
        "The last blessed model was trained on 36 of the test papers; only its values on the "
        "other 1,800 are compared and shown.",
    ]


def test_a_gate_without_floors_says_so():
    assert "no floor gate.floors is empty" in shown([FLOORS[0], *COMPARISON])


def test_a_first_model_has_none_to_be_compared_with():
    floors = [GateRow("lrap", 0.9, None, 0.8, False, True, papers=10)]
    assert shown(floors)[-1] == "There is no earlier blessed model to compare with."
    assert "to compare with" not in " ".join(shown([*FLOORS, *COMPARISON]))


def finished(folder, *, blessed: int, failed=()):
    """A run with the checks of InfraValidator that failed, beside others."""
    checks = [{"name": "answers over gRPC", "result": "passed", "message": ""}, *failed]
    report = {"passed": not failed, "server": "local model server", "checks": checks}
    (folder / "infra_validation.json").write_text(json.dumps(report))
    nodes = {
        "InfraValidator": result("InfraValidator", "blessing", folder),
        "Evaluator": result("Evaluator", "blessing", blessed=blessed),
    }
    return SimpleNamespace(nodes=nodes, gate=[*FLOORS, *COMPARISON])


def test_a_blessed_model_is_not_refused(tmp_path):
    refuse_unblessed(finished(tmp_path, blessed=1), PAPERS)


def test_a_refusal_names_every_bound_that_was_missed_and_no_other(tmp_path):
    with pytest.raises(RefusedError) as caught:
        refuse_unblessed(finished(tmp_path, blessed=0), PAPERS)
    assert str(caught.value).splitlines()[1:-1] == [
        "  lrap is 0.799990000, must be at least 0.800000000",
        "  micro_f1 changed by -0.0200, the lowest change allowed is -0.0100",
    ]


def test_a_model_that_cannot_be_served_is_refused_with_its_failed_checks(tmp_path):
    """Whatever the gate says."""
    failed = [
        {"name": "label names", "result": "failed", "message": "a label twice\nin paper 3"},
        {"name": "scores", "result": "failed", "message": "INTERNAL: xxxx " * 999},
        {"name": "REST equals gRPC", "result": "skipped", "message": ""},
    ]
    with pytest.raises(RefusedError) as caught:
        refuse_unblessed(finished(tmp_path, blessed=1, failed=failed), PAPERS)
    _, first, second, last = str(caught.value).splitlines()
    assert first == "  label names: a label twice in paper 3"
    # What a server says may be long; the report has all of it.
    assert second.startswith("  scores: INTERNAL: xxxx")
    assert len(second) < 500
    assert str(tmp_path / "infra_validation.json") in last
