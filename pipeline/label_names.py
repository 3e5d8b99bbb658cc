"""Reads what labels are called from a file of two columns."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from schema.errors import UsageError


def read_label_names(path: Path) -> dict[str, str]:
    """Returns the name of each label.

    Args:
        path: A file of labels and names, separated by tabs or else commas, without a header.

    Raises:
        UsageError: It can't be read; the message has the line.
    """
    found = {}
    try:
        text = path.read_text("utf-8-sig")
        reader = csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text else ",")
        for row in filter(None, reader):
            if len(row) != 2:
                raise UsageError(
                    f"report.label_names: {path}, line {reader.line_num} has {len(row)} columns; "
                    "write a label and its name, separated by a tab or a comma."
                )
            found[row[0].strip()] = row[1].strip()
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"report.label_names: can't read {path}: {reason}.") from error
    return found
