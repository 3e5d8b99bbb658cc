"""Generates the embedded sample: papers of its own with the noise of a crawled file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.sample.csv_file import write_if_changed
from pipeline.sample.dice import Dice
from pipeline.sample.label_sets import COMMON_SETS, LabelSet
from pipeline.sample.noise import revised_abstract, untidy_abstract, untidy_title
from pipeline.sample.paper import write_paper
from pipeline.sample.plan import plan_label_sets
from schema.errors import BadInputError, UsageError
from schema.names import SUMMARIES, TERMS, TITLES

DEFAULT_ROWS: Final = 3_000
DEFAULT_SEED: Final = 0

REPEAT_SHARE: Final = 0.20
_REVISED_SHARE: Final = 0.06
# Repeats come from this many latest papers, so that any number of rows fits in memory.
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

    Returns:
        The rows in file order; ``terms`` is a Python list literal, primary label first.

    Raises:
        UsageError: When ``rows`` is less than one or ``seed`` is negative.
    """
    if rows < 1:
        raise UsageError(f"A sample needs at least 1 row, not {rows}.")
    if seed < 0:
        raise UsageError(f"The seed of a sample must be 0 or more, not {seed}.")
    return _generate(rows, Dice(seed))


def write_sample(rows: int, seed: int, output: Path) -> Path:
    """Writes the sample as a CSV file, unless the same sample is already there.

    A file with the same contents keeps its modification time, since TFX takes size and time
    for its fingerprint. The file is complete or not there: it is written beside its place and
    renamed.

    Args:
        rows: How many rows, repeats included; at least one.
        seed: Seed of the generator, 0 or more.
        output: The file, ``.csv`` or ``.csv.gz``; missing folders are made.

    Returns:
        ``output``.

    Raises:
        UsageError: When the file's name ends in something else, or ``rows`` or ``seed`` is
            out of range.
        BadInputError: When the file can't be written.
    """
    if not output.name.endswith((".csv", ".csv.gz")):
        raise UsageError(f"{output}: the name of a sample must end in .csv or .csv.gz.")
    papers = generate(rows, seed)
    try:
        write_if_changed((TITLES, SUMMARIES, TERMS), papers, output)
    except OSError as error:
        raise BadInputError(
            f"Can't write the sample to {output}: {error.strerror or error}. "
            "Choose a place that can be written and has room."
        ) from error
    return output


def _generate(rows: int, dice: Dice) -> Iterator[Row]:
    repeats = round(rows * REPEAT_SHARE)
    label_sets = iter(plan_label_sets(rows - repeats, dice))
    # The first row has nothing to repeat.
    is_repeat = [False, *dice.shuffled([True] * repeats + [False] * (rows - repeats - 1))]
    titles: set[str] = set()
    crawled: list[Row] = []
    for repeat in is_repeat:
        if repeat:
            yield _repeated(dice.pick(crawled), dice)
        else:
            row = _new_row(next(label_sets), titles, dice)
            if len(crawled) < _CRAWLER_MEMORY:
                crawled.append(row)
            else:
                crawled[len(titles) % _CRAWLER_MEMORY] = row
            yield row


def _new_row(labels: LabelSet, titles: set[str], dice: Dice) -> Row:
    """A paper whose title no earlier one has."""
    for _ in range(_MAX_TITLE_TRIES):
        title, abstract = write_paper(labels, dice)
        title = untidy_title(title, dice)
        if title not in titles:
            break
    else:
        parts = (f"{title}, part {part}" for part in itertools.count(2))
        title = next(part for part in parts if part not in titles)
    titles.add(title)
    return Row(title, untidy_abstract(abstract, dice), repr(list(labels)))


def _repeated(row: Row, dice: Dice) -> Row:
    """The row as the crawler met it again: the same, or now and then a revised version."""
    if not dice.chance(_REVISED_SHARE):
        return row
    terms = repr(list(dice.pick(COMMON_SETS))) if dice.chance(0.5) else row.terms
    return Row(row.titles, revised_abstract(row.summaries, dice), terms)
