"""A row of the gate in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.evaluator.gate import GateRow


def floor(metric, candidate, bound, passed=False):
    return GateRow(metric, candidate, None, bound, is_change=False, passed=passed, papers=100)


def change(metric, candidate, baseline, bound, passed=False):
    return GateRow(metric, candidate, baseline, bound, is_change=True, passed=passed, papers=90)


@pytest.mark.parametrize(
    ("row", "text", "bound"),
    [
        (
            floor("lrap", 0.71239, 0.8),
            "lrap is 0.7124, must be at least 0.8000",
            "at least 0.8000",
        ),
        (
            floor("lrap", 0.79999, 0.8),
            "lrap is 0.799990000, must be at least 0.800000000",
            "at least 0.800000000",
        ),
        (
            floor("lrap", 0.80001, 0.8, passed=True),
            "lrap is 0.8000, must be at least 0.8000",
            "at least 0.8000",
        ),
        (
            replace(floor("ece", 0.00623, 0.005), is_ceiling=True),
            "ece is 0.0062, must be at most 0.0050",
            "at most 0.0050",
        ),
        (
            replace(floor("micro_f1", 0.28, 0.3), slice="rarest_label: rare"),
            "micro_f1 is 0.2800 in slice rarest_label: rare (100 test papers), must be at least "
            "0.3000",
            "at least 0.3000",
        ),
        (
            replace(floor("examples", 0.0, 1.0), papers=0, slice="a: b", known_slices=("c", "d")),
            "slice a: b has no test paper: choose from c, d",
            "at least 1",
        ),
        (
            replace(floor("examples", 100.0, 150.0), slice="archive: cs"),
            "slice archive: cs has 100 test papers, must have at least 150: bound another slice "
            "(the report lists them), or lower gate.min_examples",
            "at least 150",
        ),
        (
            floor("examples", 1_200.0, 5_000.0),
            "examples is 1,200, must be at least 5,000 (gate.min_examples)",
            "at least 5,000",
        ),
        (
            floor("labels_found", 39.0, 40.0),
            "labels_found is 39, must be at least 40",
            "at least 40",
        ),
        (
            replace(floor("lrap", -0.1, -0.04), best_baseline="linear_svc", max_drop=0.05),
            "lrap is -0.1000, must be at least -0.0400: LinearSVC has 0.0100, 0.05 less is allowed",
            "at least -0.0400 (LinearSVC)",
        ),
        (
            change("micro_f1", 0.7, 0.7233, -0.01),
            "micro_f1 changed by -0.0233, the lowest change allowed is -0.0100",
            "at least the last - 0.0100",
        ),
        (
            change("micro_f1", 0.69999, 0.7, 0.0),
            "micro_f1 changed by -0.000010000, the lowest change allowed is +0.000000000",
            "at least the last",
        ),
    ],
)
def test_a_row_says_what_was_reached_and_what_had_to_be(row, text, bound):
    assert str(row) == text
    assert row.bound_in_words == bound


def test_a_row_with_too_few_papers_to_compare_says_why_and_what_to_do():
    row = GateRow("compared_examples", 3, None, 10, False, False, papers=3, left_out=1_997)
    assert str(row).startswith("only 3 test papers are new to the last blessed model, at least 10")
    assert "trained on the other 1,997" in str(row)
    assert "data.seed" in str(row)
    assert "gate.max_drop" in str(row)
