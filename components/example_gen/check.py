"""Checks CSV files by the rules of ExampleGen in one process, without TFX, Beam or TensorFlow."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence

from components.example_gen.curation_report import CurationReport, stop_reason
from components.example_gen.rows import DeadLetter, PaperRow, read_rows
from components.example_gen.settings import DataSettings
from components.example_gen.split import Bounds, SplitRule, label_set_key, paper_digest, split_of
from schema import names
from schema.scripts import count_unspaced


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What a run would make of the files.

    Attributes:
        curation: The counts, equal to those of ExampleGen.
        dead_letters: The malformed rows, in file order.
        problem: Why a run would stop; None where it wouldn't.
        unspaced_share: Share of the kept text in scripts that are written without spaces.
    """

    curation: CurationReport
    dead_letters: tuple[DeadLetter, ...]
    problem: str | None
    unspaced_share: float


def check_files(paths: Sequence[str], settings: DataSettings) -> CheckReport:
    """Reads files as ExampleGen does and counts what it would count.

    Each file is read twice, so that only the malformed rows and a few bytes a paper are held in
    memory.

    Args:
        paths: ``.csv`` or ``.csv.gz`` files on a local disk; of repeats, the first in their
            order is kept.
        settings: How they are read, curated and split.

    Raises:
        BadInputError: A file itself is broken; see `schema.tables.open_table`.
    """
    rule = SplitRule(settings)
    counts: collections.Counter[str] = collections.Counter()
    dead_letters: list[DeadLetter] = []
    seen: set[bytes] = set()
    repeats: set[tuple[str, int]] = set()
    orders: collections.defaultdict[bytes, list[int]] = collections.defaultdict(list)
    for path, row in _read(paths, settings):
        counts["rows_read"] += 1
        if isinstance(row, DeadLetter):
            dead_letters.append(row)
        elif (digest := paper_digest(row.paper.key)) in seen:
            repeats.add((path, row.line))
        else:
            seen.add(digest)
            orders[label_set_key(row.label_set)].append(rule.order(row.paper.key))
    counts["dead_letters"] = len(dead_letters)
    counts["repeats"] = len(repeats)
    kept = _find_bounds(orders, rule, settings.min_label_set_count, counts)

    labels: set[str] = set()
    words: set[str] = set()
    characters = unspaced = 0
    for path, row in _read(paths, settings):
        if isinstance(row, DeadLetter) or (path, row.line) in repeats:
            continue
        ends = kept.get(label_set_key(row.label_set))
        if ends is None:
            continue
        split = row.split or split_of(rule.order(row.paper.key), ends)
        counts[split] += 1
        characters += len(row.paper.abstract)
        unspaced += count_unspaced(row.paper.abstract)
        if split == names.TRAIN:
            labels.update(row.paper.labels)
            words.update(row.paper.abstract.lower().split())
    counts["labels"] = len(labels)
    counts["distinct_words_train"] = len(words)
    report = CurationReport.from_counts(counts)
    return CheckReport(
        curation=report,
        dead_letters=tuple(dead_letters),
        problem=stop_reason(report, dead_letters, settings),
        unspaced_share=unspaced / max(characters, 1),
    )


def _read(
    paths: Sequence[str], settings: DataSettings
) -> Iterator[tuple[str, PaperRow | DeadLetter]]:
    for path in paths:
        for row in read_rows(path, settings):
            yield path, row


def _find_bounds(
    orders: dict[bytes, list[int]],
    rule: SplitRule,
    min_count: int,
    counts: collections.Counter[str],
) -> dict[bytes, Bounds]:
    """Finds the bounds of each label set that is kept, and counts those that aren't."""
    kept = {}
    for key, places in orders.items():
        counts.update(label_sets=1, after_dedup=len(places))
        if len(places) < min_count:
            counts.update(label_sets_once=1, label_set_rows_dropped=len(places))
        else:
            kept[key] = rule.bounds(key, sorted(places))
    return kept
