"""Checks CSV files by the rules of ExampleGen in one process, without TFX, Beam or TensorFlow."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence

from components.example_gen.report import CurationReport, why_stop
from components.example_gen.settings import DataSettings
from components.example_gen.split import Bounds, SplitRule, label_set_key, paper_key, split_of
from components.papers.csv_rows import DeadLetter, PaperRow, read_rows
from schema import names


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What a run would make of the files.

    Attributes:
        curation: The counts, equal to those of ExampleGen.
        dead_letters: The malformed rows, in file order.
        problem: Why a run would stop; None where it would go on.
    """

    curation: CurationReport
    dead_letters: tuple[DeadLetter, ...]
    problem: str | None


def check_files(paths: Sequence[str], settings: DataSettings) -> CheckReport:
    """Reads files as ExampleGen does and counts what it would count.

    Each is read twice, so that what is held in memory is a few bytes a paper and the malformed
    rows.

    Args:
        paths: ``.csv`` or ``.csv.gz`` files on a local disk; of several repeats the first in
            their order counts.
        settings: How they are read, curated and split.

    Returns:
        The counts, the malformed rows and whether they would stop a run.

    Raises:
        BadInputError: A file itself is broken; see `csv_reader.open_table`.
    """
    rule = SplitRule(settings)
    counts: collections.Counter[str] = collections.Counter()
    dead_letters: list[DeadLetter] = []
    seen: set[bytes] = set()
    repeats: set[tuple[str, int]] = set()
    orders: collections.defaultdict[bytes, list[int]] = collections.defaultdict(list)
    for path in paths:
        for row in read_rows(path, settings.columns, settings.label_separator):
            counts["rows_read"] += 1
            if isinstance(row, DeadLetter):
                dead_letters.append(row)
                continue
            key = paper_key(row.paper.key)
            if key in seen:
                repeats.add((path, row.line))
            else:
                seen.add(key)
                orders[label_set_key(row.label_set)].append(rule.order(row.paper.key))
    counts["dead_letters"] = len(dead_letters)
    counts["repeats"] = len(repeats)
    bounds = _find_bounds(orders, rule, settings.min_label_set_count, counts)

    labels: set[str] = set()
    words: set[str] = set()
    for path, row in _papers(paths, settings):
        found = bounds.get(label_set_key(row.label_set))
        if (path, row.line) in repeats or found is None:
            continue
        split = row.split or split_of(rule.order(row.paper.key), found)
        counts[split] += 1
        if split == names.TRAIN:
            labels.update(row.paper.labels)
            words.update(row.paper.abstract.lower().split())
    counts["labels"] = len(labels)
    counts["distinct_words_train"] = len(words)
    report = CurationReport.from_counts(counts)
    return CheckReport(report, tuple(dead_letters), why_stop(report, dead_letters, settings))


def _papers(paths: Sequence[str], settings: DataSettings) -> Iterator[tuple[str, PaperRow]]:
    for path in paths:
        for row in read_rows(path, settings.columns, settings.label_separator):
            if isinstance(row, PaperRow):
                yield path, row


def _find_bounds(
    orders: dict[bytes, list[int]],
    rule: SplitRule,
    min_count: int,
    counts: collections.Counter[str],
) -> dict[bytes, Bounds]:
    """Finds the bounds of each label set that is kept, and counts those that aren't."""
    bounds = {}
    for key, places in orders.items():
        counts["label_sets"] += 1
        counts["after_dedup"] += len(places)
        if len(places) < min_count:
            counts["label_sets_once"] += 1
            counts["label_set_rows_dropped"] += len(places)
        else:
            bounds[key] = rule.bounds(key, sorted(places))
    return bounds
