"""Which labels papers keep, and what makes two papers' labels the same set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from components.example_gen.settings import DataSettings
from components.example_gen.split import label_set_key

_UNLABELLED: Final = label_set_key("")


class LeftOut(NamedTuple):
    """A label that is left out.

    Attributes:
        label: The label.
        rows: How many rows have it.
        setting: The setting that leaves it out.
    """

    label: str
    rows: int
    setting: str


def leave_out(counts: Mapping[str, int], settings: DataSettings) -> list[LeftOut]:
    """Returns the labels that are left out, those of most rows first.

    Args:
        counts: Each label with the number of its rows.
        settings: `min_label_count` and `label_pattern`.
    """
    allowed = re.compile(settings.label_pattern or "(?s:.*)")
    found = [
        LeftOut(label, rows, "min_label_count" if allowed.fullmatch(label) else "label_pattern")
        for label, rows in counts.items()
        if rows < settings.min_label_count or not allowed.fullmatch(label)
    ]
    return sorted(found, key=lambda each: (-each.rows, each.label))


def label_set_of(labels: Iterable[str], value: str, settings: DataSettings) -> str:
    """Returns the text that stands for a paper's label set; empty for no labels.

    Args:
        labels: The labels that it keeps.
        value: The value of the label column.
        settings: Say whether the order counts. Where it does and no label may be left out, the
            set is the exact value, as in the Keras example.
    """
    if settings.label_order == "ignore":
        return "\n".join(sorted(labels))
    return value if labels and not settings.may_leave_labels_out else "\n".join(labels)


def count_label_set(key: bytes, papers: int, settings: DataSettings) -> dict[str, int]:
    """Returns what a label set adds to the counts of `CurationReport`.

    It is dropped where `label_sets_once` is among them.

    Args:
        key: Its `label_set_key`.
        papers: How many papers have it.
        settings: How many there must be. Papers without labels, if they get here, are kept.
    """
    if key == _UNLABELLED:
        return {"after_dedup": papers, "unlabelled_kept": papers}
    counts = {"label_sets": 1, "after_dedup": papers}
    if papers < settings.min_label_set_count:
        counts |= {"label_sets_once": 1, "label_set_rows_dropped": papers}
    return counts
