"""Checks files by the rules of ExampleGen in one process, without TFX, Beam or TensorFlow."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Container, Iterator, Mapping, Sequence

from components.example_gen.curation_report import CurationReport, stop_reason, warnings
from components.example_gen.label_sets import count_label_set, leave_out
from components.example_gen.label_values import joined_labels
from components.example_gen.rows import DeadLetter, PaperRow, count_labels, read_rows
from components.example_gen.settings import DataSettings
from components.example_gen.split import (
    Bounds,
    SplitRule,
    label_set_key,
    paper_digest,
    split_of,
    text_digest,
)
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
        warnings: What a person should look at, and the settings to change.
    """

    curation: CurationReport
    dead_letters: tuple[DeadLetter, ...]
    problem: str | None
    unspaced_share: float
    warnings: tuple[str, ...]


def check_files(paths: Sequence[str], settings: DataSettings) -> CheckReport:
    """Reads files as ExampleGen does and counts what it would count.

    Each file is read twice (three times where labels may be left out), so that only the malformed
    rows, the distinct label sets and a few bytes a paper are held in memory.

    Args:
        paths: Files on a local disk; of repeats, the first in their order is kept.
        settings: How they are read, curated and split.

    Raises:
        BadInputError: A file itself is broken; see `schema.tables.open_table`.
    """
    rule = SplitRule(settings)
    counts: collections.Counter[str] = collections.Counter()
    rows_of = sum((count_labels(path, settings) for path in paths), collections.Counter[str]())
    left_out = leave_out(rows_of, settings)
    fallen = {each.label for each in left_out}
    dead_letters: list[DeadLetter] = []
    texts: dict[bytes, bytes] = {}
    repeats: set[tuple[str, int]] = set()
    orders: collections.defaultdict[bytes, list[int]] = collections.defaultdict(list)
    labels_of: dict[bytes, tuple[str, ...]] = {}
    for path, row in _read(paths, settings, fallen):
        counts["rows_read"] += 1
        if isinstance(row, DeadLetter):
            dead_letters.append(row)
            continue
        paper, text = row.paper.key(settings.by_title), text_digest(row.paper.abstract)
        digest = paper_digest(paper)
        counts["several_labels"] += len(row.paper.labels) > 1
        if row.is_dropped(settings):
            counts["unlabelled"] += 1
        elif settings.dedup_by != "none" and digest in texts:
            repeats.add((path, row.line))
            counts["other_texts"] += texts[digest] != text
        else:
            texts[digest] = text
            key = label_set_key(row.label_set)
            orders[key].append(rule.order(paper))
            labels_of[key] = row.paper.labels
    counts["dead_letters"] = len(dead_letters)
    counts["repeats"] = len(repeats)
    counts["labels_left_out"] = len(left_out)
    kept = _find_bounds(orders, rule, settings, counts)

    labels: set[str] = set()
    words: set[str] = set()
    characters = unspaced = 0
    for path, row in _read(paths, settings, fallen):
        if isinstance(row, DeadLetter) or (path, row.line) in repeats:
            continue
        ends = kept.get(label_set_key(row.label_set))
        if ends is None:
            continue
        split = row.split or split_of(rule.order(row.paper.key(settings.by_title)), ends)
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
        warnings=(
            *warnings(report, settings),
            *_hints(orders, labels_of, kept, settings.min_label_set_count),
        ),
    )


def _read(
    paths: Sequence[str], settings: DataSettings, left_out: Container[str] = ()
) -> Iterator[tuple[str, PaperRow | DeadLetter]]:
    for path in paths:
        for row in read_rows(path, settings, left_out=left_out):
            yield path, row


def _find_bounds(
    orders: Mapping[bytes, list[int]],
    rule: SplitRule,
    settings: DataSettings,
    counts: collections.Counter[str],
) -> dict[bytes, Bounds]:
    """Finds the bounds of each label set that is kept, and counts those that aren't."""
    kept = {}
    for key, places in orders.items():
        found = count_label_set(key, len(places), settings)
        counts.update(found)
        if "label_sets_once" not in found:
            kept[key] = rule.bounds(key, sorted(places))
    return kept


def _hints(
    orders: Mapping[bytes, list[int]],
    labels_of: Mapping[bytes, tuple[str, ...]],
    kept: Mapping[bytes, Bounds],
    least: int,
) -> Iterator[str]:
    """Says which labels look like several, and how many rows the order of labels costs."""
    labels = set().union(*(labels_of[key] for key in kept))
    if joined := joined_labels(labels):
        shown = ", ".join(map(repr, joined[:3])) + (", …" if len(joined) > 3 else "")
        yield (
            f"{len(joined)} of {len(labels)} labels look like several in one: {shown}. Set "
            "data.label_separator if that separates them, or leave them out by data.label_pattern"
        )
    papers: collections.Counter[frozenset[str]] = collections.Counter()
    for key, labels_of_set in labels_of.items():
        papers[frozenset(labels_of_set)] += len(orders[key])
    rare = labels_of.keys() - kept.keys()
    if saved := sum(len(orders[key]) for key in rare if papers[frozenset(labels_of[key])] >= least):
        yield (
            f"{saved} rows have too rare a label set only because the order of labels counts. "
            "Set data.label_order to ignore to keep them"
        )
