"""The example of docs/gate.md."""

from __future__ import annotations

import re
from pathlib import Path

from components.evaluator.eval_config import make_eval_config
from components.metrics.names import EXAMPLES
from pipeline.config import load_config

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "gate.md").read_text("utf-8")


def test_the_example_bounds_what_it_says(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "mine.yaml"
    path.write_text(example)
    (spec,) = make_eval_config(load_config(str(path)).gate).metrics_specs
    bounds = [
        (name, dict(papers.feature_values), each.threshold.value_threshold)
        for name, of_metric in spec.per_slice_thresholds.items()
        for each in of_metric.thresholds
        for papers in each.slicing_specs
    ]
    counted = [papers for name, papers, value in bounds if name == EXAMPLES]
    # One on each set of papers with a bound.
    assert counted == [
        {},
        {"archive": "stat"},
        {"number_of_labels": "1"},
        {"rarest_label": "rare"},
        {"new_to_last_model": "yes"},
    ]
    extra = [(papers, value.upper_bound.value) for name, papers, value in bounds if name == "extra"]
    assert extra == [({}, 1.0), ({"number_of_labels": "1"}, 1.5)]
