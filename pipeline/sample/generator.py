"""Generates the embedded sample: invented papers with the noise of a crawled file."""

from __future__ import annotations

import csv
import filecmp
import gzip
import io
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from pipeline.sample.label_plan import plan_label_sets
from pipeline.sample.paper import write_paper
from pipeline.sample.seeded_random import SeededRandom
from pipeline.sample.words import LabelSet, load_words
from schema.errors import UsageError, writing
from schema.names import SUMMARIES, TERMS, TITLES

DEFAULT_ROWS: Final = 3_000
DEFAULT_SEED: Final = 0

_REPEAT_SHARE: Final = 0.20
_REVISED_SHARE: Final = 0.06
# Repeats come from this many recent papers, so that any number of rows fits in memory.
_CRAWLER_MEMORY: Final = 4_096
_MAX_TITLE_TRIES: Final = 8


class Row(NamedTuple):
    """A row of the file, by the names of its columns."""

    titles: str
    summaries: str
    terms: str


def generate(rows: int, seed: int) -> Iterator[Row]:
    """Generates the rows of the sample.

    A fifth of them repeat the title of an earlier row, mostly with all the rest; about 6 % of
    the papers have a value of ``terms`` that no other paper has.

    Args:
        rows: How many rows, repeats included; at least one.
        seed: The same rows and seed give the same text on every machine and Python version.

    Yields:
        The rows in file order; ``terms`` is a Python list literal, primary label first.
    """
    rng = SeededRandom(seed)
    repeats = round(rows * _REPEAT_SHARE)
    label_sets = iter(plan_label_sets(rows - repeats, rng))
    # The first row has nothing to repeat.
    is_repeat = [False, *rng.shuffled([True] * repeats + [False] * (rows - repeats - 1))]
    titles: set[str] = set()
    crawled: list[Row] = []
    for repeat in is_repeat:
        if repeat:
            yield _repeated(rng.pick(crawled), rng)
        else:
            row = _new_row(next(label_sets), titles, rng)
            if len(crawled) < _CRAWLER_MEMORY:
                crawled.append(row)
            else:
                crawled[len(titles) % _CRAWLER_MEMORY] = row
            yield row


def write_sample(rows: int, seed: int, output: Path) -> Path:
    """Writes the sample as a CSV file, unless the same file is already there.

    A file that is left alone keeps its modification time, which is part of TFX's fingerprint of
    the input. The file is written beside its place and renamed, so it is complete or not there.

    Args:
        rows: How many rows, repeats included; at least one.
        seed: Seed of the generator, 0 or more.
        output: The file, ``.csv`` or ``.csv.gz``; missing folders are made.

    Returns:
        ``output``.

    Raises:
        UsageError: The file's name ends in something else.
        BadInputError: The file can't be written.
    """
    if not output.name.endswith((".csv", ".csv.gz")):
        raise UsageError(f"{output}: the name of a sample must end in .csv or .csv.gz.")
    with writing(output, "Choose a writable folder with enough space"):
        _write_if_changed(generate(rows, seed), output)
    return output


def _new_row(labels: LabelSet, titles: set[str], rng: SeededRandom) -> Row:
    """Returns a paper whose title no earlier one has, and adds the title to them."""
    for _ in range(_MAX_TITLE_TRIES):
        title, abstract = write_paper(labels, rng)
        if title not in titles:
            break
    else:
        parts = (f"{title}, part {part}" for part in itertools.count(2))
        title = next(part for part in parts if part not in titles)
    titles.add(title)
    return Row(title, abstract, repr(list(labels)))


def _repeated(row: Row, rng: SeededRandom) -> Row:
    """Returns the row as the crawler met it again: the same, or now and then a revision."""
    if not rng.chance(_REVISED_SHARE):
        return row
    words = load_words()
    terms = repr(list(rng.pick(words.common_sets))) if rng.chance(0.5) else row.terms
    return Row(row.titles, f"{row.summaries} {rng.pick(words.noise['revisions'])}", terms)


def _write_if_changed(rows: Iterable[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        with part.open("wb") as file:
            target: BinaryIO | gzip.GzipFile = file
            if path.suffix == ".gz":
                # Neither a name nor a time in the header: the same rows give the same bytes.
                target = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
            with io.TextIOWrapper(target, encoding="utf-8", newline="") as text:
                writer = csv.writer(text, lineterminator="\n")
                writer.writerow((TITLES, SUMMARIES, TERMS))
                writer.writerows(rows)
        if not (path.is_file() and filecmp.cmp(part, path, shallow=False)):
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
