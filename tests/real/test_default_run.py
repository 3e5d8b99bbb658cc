"""The default profile on the real file reaches its figures; times are shown, not asserted."""

from __future__ import annotations

import re

import pytest

from tests.support import runs

FLOORS = {
    "micro_f1": 0.715,
    "lrap": 0.885,
    "precision@1": 0.945,
    "binary_accuracy": 0.993,
}
SHOWN = ("macro_f1", "precision@3", "precision@5", "ndcg@5", "threshold", "examples")
MOST_BYTES = 8 * 2**30


def test_it_is_pushed(real_run, show):
    show("whole run", f"{real_run.seconds:.0f} s", "under 900 s on 2 cores")
    for line in real_run.told.splitlines():
        if line.startswith("✓"):
            name, _, *facts = re.split(r"  +", line[2:].strip())
            show(f"  {name}", "  ".join(facts))
    assert len(runs.versions(real_run.output)) == 1


@pytest.mark.parametrize("metric", FLOORS)
def test_it_reaches_the_floor(real_run, show, metric):
    show(metric, f"{real_run.metrics[metric]:.4f}", f">= {FLOORS[metric]}")
    assert real_run.metrics[metric] >= FLOORS[metric]


def test_the_other_metrics_are_shown(real_run, show):
    for metric in SHOWN:
        show(metric, round(real_run.metrics[metric], 4))
        assert real_run.metrics[metric] > 0


def test_it_stays_below_the_memory_limit(real_run, show):
    show("peak memory", f"{real_run.peak_bytes / 2**30:.1f} GiB", "< 8 GiB")
    assert real_run.peak_bytes < MOST_BYTES
