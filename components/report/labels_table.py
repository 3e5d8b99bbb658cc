"""The table of all labels as tab-separated text."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

_DIGITS: Final = 6


def labels_table(labels: Sequence[Mapping[str, Any]]) -> str:
    """Writes a line for each label, below a line with the names of the columns.

    Args:
        labels: The figures of each label, all with the same keys; `label` is the first column.

    Returns:
        Tab-separated text as `csv` and `pandas.read_csv(sep="\\t")` read it: a label with a tab,
        a quote or a line break is quoted. A figure that is not defined is empty.
    """
    columns = list(labels[0]) if labels else []
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in labels)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)
