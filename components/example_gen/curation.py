"""Curation as Beam transforms: repeats, rare label sets and the split, without moving papers.

Every file is read twice. The first reading hands on 48 bytes a paper: hashes of its title and of
its label set, and its place in the split's order. They are grouped by title (all but the first
are repeats) and by label set (which ones are too rare, and where the splits of the others end).
The second reading compares each paper with the outcome, a side input of a few bytes a repeat and
32 bytes a label set, and writes it. So papers are neither grouped nor shuffled nor held in
memory. A label set of a third of all papers is spread over several keys; where they come together
at last they are eight bytes a paper. Every key is a number or bytes, whose coders are
deterministic.
"""

from __future__ import annotations

import collections
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, Final, cast

import apache_beam as beam
import numpy as np
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import AsDict, AsList, AsSingleton, PCollection, TaggedOutput
from apache_beam.typehints.native_type_compatibility import convert_to_beam_type

from components.example_gen.combiners import Concatenate, ConcatenateSpread, CountDistinct
from components.example_gen.distinct import HASH_BYTES, DistinctStrings, kind_of
from components.example_gen.outcome import Destination, write_outcome
from components.example_gen.settings import DataSettings
from components.example_gen.split import Bounds, SplitRule, label_set_key, paper_key, split_of
from components.example_gen.writing import DeadLetterFile, ExampleFiles
from components.papers.csv_rows import DeadLetter, PaperRow, read_rows
from components.papers.examples import serialize_paper
from schema import names
from schema.errors import BadInputError

_COUNTS: Final = "counts"
_FAULTS: Final = "faults"
_REPEATS: Final = "repeats"
_DISTINCT: Final = "distinct"

# What the first reading hands on of a paper: the file's place among the input files, the line,
# the label set's key and the place in the split's order. Big-endian, so that the smallest of
# the packed values is the first in file order.
_PAPER: Final = struct.Struct(">IQ16sQ")
_BOUNDS: Final = struct.Struct(">16sQQ")
_PLACE: Final = np.dtype(">u8")

# What the outputs of transforms with several of them hold. A hint on such a transform would stand
# for the main one alone, and without a type a key has no deterministic coder.
_PAPERS_TYPE: Final = tuple[bytes, bytes]
_ORDERS_TYPE: Final = tuple[bytes, bytes]
_COUNTS_TYPE: Final = tuple[str, int]
_FAULTS_TYPE: Final = tuple[int, str]
_REPEATS_TYPE: Final = tuple[int, bytes]
_DISTINCT_TYPE: Final = tuple[bytes, bytes]


def curate(
    pipeline: beam.Pipeline,
    paths: Sequence[str],
    settings: DataSettings,
    destination: Destination,
) -> None:
    """Adds the whole curation to a pipeline.

    Args:
        pipeline: The pipeline.
        paths: The input files; their order decides which of several repeats is the first.
        settings: How they are read, curated and split.
        destination: Where examples, malformed rows, counts and faults go.
    """
    files = pipeline | "Files" >> beam.Create(list(enumerate(paths)))
    survey = files | "Survey" >> beam.ParDo(_Survey(settings, destination)).with_outputs(
        _COUNTS, _FAULTS, main="papers"
    )
    faults = _typed(survey[_FAULTS], _FAULTS_TYPE)
    titles = (
        _typed(survey.papers, _PAPERS_TYPE)
        | "GroupTitles" >> beam.GroupByKey()
        | "FirstOfTitle" >> beam.ParDo(_FirstOfTitle()).with_outputs(_REPEATS, main="first")
    )
    repeats = _typed(titles[_REPEATS], _REPEATS_TYPE) | "JoinRepeats" >> beam.CombinePerKey(
        Concatenate()
    )
    label_sets = (
        _typed(titles.first, _ORDERS_TYPE)
        | "JoinLabelSets" >> ConcatenateSpread()
        | "FindBounds" >> beam.ParDo(_FindBounds(settings)).with_outputs(_COUNTS, main="bounds")
    )
    bounds = _typed(label_sets.bounds, bytes) | "JoinBounds" >> beam.CombineGlobally(Concatenate())
    written = files | "Write" >> beam.ParDo(
        _Write(settings, destination),
        repeats=AsDict(repeats),
        bounds=AsSingleton(bounds),
        faults=AsList(faults),
    ).with_outputs(_COUNTS, _FAULTS, _DISTINCT)
    counts = (
        (
            _typed(survey[_COUNTS], _COUNTS_TYPE),
            repeats | "CountRepeats" >> beam.Map(_count_repeats),
            _typed(label_sets[_COUNTS], _COUNTS_TYPE),
            _typed(written[_COUNTS], _COUNTS_TYPE),
            _count_distinct(_typed(written[_DISTINCT], _DISTINCT_TYPE)),
        )
        | "AllCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombinePerKey(sum)
    )
    _ = (
        pipeline
        | "Once" >> beam.Create([destination])
        | "WriteOutcome"
        >> beam.Map(
            write_outcome,
            counts=AsDict(counts),
            faults=AsList(faults),
            late_faults=AsList(_typed(written[_FAULTS], _FAULTS_TYPE)),
        )
    )


def _typed(elements: PCollection, element_type: object) -> PCollection:
    """Says what one of several outputs holds."""
    elements.element_type = convert_to_beam_type(element_type)
    return elements


def _open(path: str) -> BinaryIO:
    """Opens a local or remote file on a worker, as it stands: gzip is the reader's affair."""
    return cast(BinaryIO, FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))


def _rows(path: str, settings: DataSettings) -> Iterator[PaperRow | DeadLetter]:
    return read_rows(path, settings.columns, settings.label_separator, _open)


@beam.typehints.with_input_types(tuple[int, str])
class _Survey(beam.DoFn):
    """First reading: from a file to (title key, packed paper), with its malformed rows kept."""

    def __init__(self, settings: DataSettings, destination: Destination) -> None:
        self._settings = settings
        self._destination = destination

    def process(self, element: tuple[int, str]) -> Iterator[tuple[bytes, bytes] | TaggedOutput]:
        index, path = element
        rule = SplitRule(self._settings)
        counts: collections.Counter[str] = collections.Counter()
        to = self._destination
        with DeadLetterFile(to.curation, to.dead_letters(index)) as dead_letters:
            try:
                for row in _rows(path, self._settings):
                    counts["rows_read"] += 1
                    if isinstance(row, DeadLetter):
                        counts["dead_letters"] += 1
                        dead_letters.write(row)
                        continue
                    places = _PAPER.pack(
                        index, row.line, label_set_key(row.label_set), rule.order(row.paper.key)
                    )
                    yield paper_key(row.paper.key), places
            except BadInputError as error:
                # An exception would reach the person wrapped in Beam's own words.
                yield TaggedOutput(_FAULTS, (index, str(error)))
        yield from (TaggedOutput(_COUNTS, count) for count in counts.items())


@beam.typehints.with_input_types(tuple[bytes, Iterable[bytes]])
class _FirstOfTitle(beam.DoFn):
    """From a title's packed papers to (label set, order) of the first; the others are repeats."""

    def process(
        self, element: tuple[bytes, Iterable[bytes]]
    ) -> Iterator[tuple[bytes, bytes] | TaggedOutput]:
        papers = iter(element[1])
        first = next(papers)
        for paper in papers:
            first, later = min(first, paper), max(first, paper)
            index, line, _, _ = _PAPER.unpack(later)
            yield TaggedOutput(_REPEATS, (index, line.to_bytes(8, "big")))
        _, _, label_set, order = _PAPER.unpack(first)
        yield label_set, order.to_bytes(8, "big")


@beam.typehints.with_input_types(tuple[bytes, bytes])
class _FindBounds(beam.DoFn):
    """From a label set and its papers' orders to its packed bounds, unless it is too rare."""

    def __init__(self, settings: DataSettings) -> None:
        self._settings = settings

    def process(self, element: tuple[bytes, bytes]) -> Iterator[bytes | TaggedOutput]:
        key, packed = element
        orders = _sorted(packed)
        yield TaggedOutput(_COUNTS, ("label_sets", 1))
        yield TaggedOutput(_COUNTS, ("after_dedup", len(orders)))
        if len(orders) < self._settings.min_label_set_count:
            yield TaggedOutput(_COUNTS, ("label_sets_once", 1))
            yield TaggedOutput(_COUNTS, ("label_set_rows_dropped", len(orders)))
        else:
            yield _BOUNDS.pack(key, *SplitRule(self._settings).bounds(key, orders))


class _Write(beam.DoFn):
    """Second reading: writes the papers that stay, each to its split, and counts them."""

    def __init__(self, settings: DataSettings, destination: Destination) -> None:
        self._settings = settings
        self._destination = destination

    def process(
        self,
        element: tuple[int, str],
        repeats: Mapping[int, bytes],
        bounds: bytes,
        faults: Sequence[tuple[int, str]],
    ) -> Iterator[TaggedOutput]:
        if faults:
            return
        index, path = element
        rule = SplitRule(self._settings)
        found = {key: Bounds(*ends) for key, *ends in _BOUNDS.iter_unpack(bounds)}
        # Both the repeats and the rows come in the order of their lines.
        skipped = iter(_sorted(repeats.get(index, b"")))
        skip = next(skipped, None)
        counts: collections.Counter[str] = collections.Counter()
        labels, words = DistinctStrings("labels"), DistinctStrings("distinct_words_train")
        to = self._destination
        try:
            with ExampleFiles(to.examples, to.splits, index) as files:
                for row in _rows(path, self._settings):
                    if isinstance(row, DeadLetter):
                        continue
                    if row.line == skip:
                        skip = next(skipped, None)
                        continue
                    bound = found.get(label_set_key(row.label_set))
                    if bound is None:
                        continue
                    split = row.split or split_of(rule.order(row.paper.key), bound)
                    files.write(split, serialize_paper(row.paper))
                    counts[split] += 1
                    if split == names.TRAIN:
                        yield from _distinct(labels.add(row.paper.labels))
                        yield from _distinct(words.add(row.paper.abstract.lower().split()))
        except BadInputError as error:
            yield TaggedOutput(_FAULTS, (index, str(error)))
        yield from _distinct(labels.flush())
        yield from _distinct(words.flush())
        yield from (TaggedOutput(_COUNTS, count) for count in counts.items())


def _sorted(packed: bytes) -> Sequence[int]:
    """Sorts packed numbers of eight bytes each where they are."""
    numbers = np.sort(np.frombuffer(packed, dtype=_PLACE))
    return cast(Sequence[int], numbers)


def _distinct(elements: Iterable[tuple[bytes, bytes]]) -> Iterator[TaggedOutput]:
    return (TaggedOutput(_DISTINCT, element) for element in elements)


@beam.typehints.with_input_types(tuple[int, bytes])
@beam.typehints.with_output_types(tuple[str, int])
def _count_repeats(element: tuple[int, bytes]) -> tuple[str, int]:
    return "repeats", len(element[1]) // _PLACE.itemsize


@beam.typehints.with_input_types(tuple[bytes, int])
@beam.typehints.with_output_types(tuple[str, int])
def _name_count(element: tuple[bytes, int]) -> tuple[str, int]:
    return kind_of(element[0]), element[1]


def _count_distinct(hashes: PCollection) -> PCollection:
    """From (key, packed hashes) to (kind, count) for each key."""
    return (
        hashes
        | "UniteHashes" >> beam.CombinePerKey(CountDistinct(HASH_BYTES))
        | "NameCounts" >> beam.Map(_name_count)
    )
