"""The table of the labels, read back as others read it."""

from __future__ import annotations

import io

import pandas as pd

from components.report.labels_table import labels_table

ROWS = [
    {"label": "cs.LG", "support": 12, "f1": 0.1234567, "pr_auc": 0.5},
    {"label": "I.2.6; I.2.10", "support": 0, "f1": 0.0, "pr_auc": None},
    {"label": 'a "tab"\tand\nbreak', "support": 1, "f1": 1.0, "pr_auc": 1.0},
    {"label": "größe", "support": 1, "f1": 1.0, "pr_auc": 1.0},
]


def test_it_is_read_back():
    found = pd.read_csv(io.StringIO(labels_table(ROWS)), sep="\t")
    assert list(found.columns) == ["label", "support", "f1", "pr_auc"]
    assert list(found.label) == [row["label"] for row in ROWS]
    assert list(found.support) == [12, 0, 1, 1]
    assert list(found.f1) == [0.123457, 0.0, 1.0, 1.0]
    assert list(found.pr_auc.isna()) == [False, True, False, False]


def test_a_model_without_labels_has_an_empty_table():
    assert labels_table([]) == "\n"
