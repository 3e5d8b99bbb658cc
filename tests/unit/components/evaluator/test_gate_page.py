"""The example of docs/gate.md."""

from __future__ import annotations

import re
from pathlib import Path

from components.evaluator.eval_config import make_eval_config
from pipeline.config import load_config

PAGE = Path(__file__).resolve().parents[4] / "docs" / "gate.md"


def test_the_example_has_a_bound_on_the_size_of_each_slice(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "mine.yaml").write_text(example)
    config = make_eval_config(load_config(str(tmp_path / "mine.yaml")).gate)
    sizes = config.metrics_specs[0].per_slice_thresholds["examples"].thresholds
    assert [dict(each.slicing_specs[0].feature_values) for each in sizes] == [
        {},
        {"archive": "stat"},
        {"number_of_labels": "1"},
        {"rarest_label": "rare"},
        {"new_to_last_model": "yes"},
    ]
    assert {each.threshold.value_threshold.lower_bound.value for each in sizes} == {50.0}
