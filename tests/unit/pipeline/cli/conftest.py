from __future__ import annotations

import json

import pytest


@pytest.fixture
def run_dir(tmp_path):
    """The output folder of a run with two versions."""
    base = tmp_path / "out" / "serving" / "arxiv_tagger"
    for number in ("1700000000", "1700086400"):
        extra = base / number / "assets.extra"
        extra.mkdir(parents=True)
        (base / number / "saved_model.pb").write_bytes(b"x" * 2_345_678)
        validation = {"val_micro_f1": 0.5, "val_lrap": 0.25}
        (extra / "model_info.json").write_text(json.dumps({"validation": validation}))
    evaluation = {"micro_f1": 0.6875, "lrap": 0.8125}
    (base / "1700000000" / "assets.extra" / "evaluation.json").write_text(json.dumps(evaluation))
    return tmp_path / "out"


@pytest.fixture
def papers(tmp_path):
    """Writes a CSV file of the given rows."""

    def write(*rows: str, name: str = "papers.csv", header: str = "titles,summaries,terms"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows, ""]))
        return path

    return write
