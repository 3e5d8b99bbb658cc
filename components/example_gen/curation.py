"""Curation as Beam transforms: repeats, rare label sets and the split, without moving papers.

Every file is read twice. The first reading emits 48 bytes a paper: hashes of its key and of its
label set, and its place in the split's order. They are grouped by paper (all but the first are
repeats) and by label set (which ones are too rare, and where the splits of the others end). The
second reading looks each paper up in these results, a side input of a few bytes a repeat and 32
bytes a label set, and writes it. So papers are neither grouped nor shuffled nor held in memory.
A label set of a third of all papers is spread over several keys; when it is joined at last it
takes eight bytes a paper. All keys are of types with deterministic coders.
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

from components.example_gen.combiners import (
    Concatenate,
    DistinctStrings,
    ShardedConcatenate,
    count_distinct,
)
from components.example_gen.outputs import (
    DeadLetterFile,
    Destination,
    ExampleFiles,
    write_outcome,
)
from components.example_gen.rows import DeadLetter, PaperRow, read_rows
from components.example_gen.settings import DataSettings
from components.example_gen.split import Bounds, SplitRule, label_set_key, paper_digest, split_of
from components.papers.examples import serialize_paper
from schema import names
from schema.errors import BadInputError

_COUNTS: Final = "counts"
_FAULTS: Final = "faults"
_REPEATS: Final = "repeats"
_DISTINCT: Final = "distinct"

# What the first reading emits of a paper: the number of its file, its line, its label set's key
# and its order. Big-endian, so that the smallest packed value is the first in file order.
_PAPER: Final = struct.Struct(">IQ16sQ")
_BOUNDS: Final = struct.Struct(">16sQQ")
_NUMBER: Final = np.dtype(">u8")


def curate(
    pipeline: beam.Pipeline,
    paths: Sequence[str],
    settings: DataSettings,
    destination: Destination,
) -> None:
    """Adds the whole curation to a pipeline.

    Args:
        pipeline: The pipeline.
        paths: The input files; of repeats, the first in their order is kept.
        settings: How they are read, curated and split.
        destination: Where examples, malformed rows, counts and faults go.
    """
    files = pipeline | "Files" >> beam.Create(list(enumerate(paths)))
    survey = files | "Survey" >> beam.ParDo(_Survey(settings, destination)).with_outputs(
        _COUNTS, _FAULTS, main="papers"
    )
    faults = _typed(survey[_FAULTS], tuple[int, str])
    papers = (
        _typed(survey.papers, tuple[bytes, bytes])
        | "GroupPapers" >> beam.GroupByKey()
        | "KeepFirst" >> beam.ParDo(_KeepFirst()).with_outputs(_REPEATS, main="first")
    )
    repeats = _typed(papers[_REPEATS], tuple[int, bytes]) | "JoinRepeats" >> beam.CombinePerKey(
        Concatenate()
    )
    label_sets = (
        _typed(papers.first, tuple[bytes, bytes])
        | "JoinLabelSets" >> ShardedConcatenate()
        | "FindBounds" >> beam.ParDo(_FindBounds(settings)).with_outputs(_COUNTS, main="bounds")
    )
    bounds = _typed(label_sets.bounds, bytes) | "JoinBounds" >> beam.CombineGlobally(Concatenate())
    written = files | "Write" >> beam.ParDo(
        _Write(settings, destination),
        repeats=AsDict(repeats),
        bounds=AsSingleton(bounds),
        faults=AsList(faults),
    ).with_outputs(_COUNTS, _FAULTS, _DISTINCT)
    distinct = (
        _typed(written[_DISTINCT], tuple[bytes, bytes])
        | "GroupHashes" >> beam.GroupByKey()
        | "CountDistinct" >> beam.Map(count_distinct)
    )
    counts = (
        (
            *(_typed(step[_COUNTS], tuple[str, int]) for step in (survey, label_sets, written)),
            distinct,
        )
        | "AllCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombinePerKey(sum)
    )
    all_faults = (faults, _typed(written[_FAULTS], tuple[int, str])) | "AllFaults" >> beam.Flatten()
    _ = (
        pipeline
        | "Once" >> beam.Create([destination])
        | "WriteOutcome"
        >> beam.Map(write_outcome, counts=AsDict(counts), faults=AsList(all_faults))
    )


def _typed(elements: PCollection, element_type: object) -> PCollection:
    """Says what one of several outputs holds.

    A hint on the transform would only apply to its main output, and a key without a type has no
    deterministic coder.
    """
    elements.element_type = convert_to_beam_type(element_type)
    return elements


def _read(path: str, settings: DataSettings) -> Iterator[PaperRow | DeadLetter]:
    return read_rows(path, settings, _open)


def _open(path: str) -> BinaryIO:
    """Opens a local or remote file on a worker, as it is: the reader unzips it."""
    return cast(BinaryIO, FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))


@beam.typehints.with_input_types(tuple[int, str])
class _Survey(beam.DoFn):
    """First reading: from a file to (paper digest, packed paper); writes its malformed rows."""

    def __init__(self, settings: DataSettings, destination: Destination) -> None:
        self._settings = settings
        self._destination = destination

    def process(self, element: tuple[int, str]) -> Iterator[tuple[bytes, bytes] | TaggedOutput]:
        index, path = element
        rule = SplitRule(self._settings)
        counts: collections.Counter[str] = collections.Counter()
        with DeadLetterFile(self._destination, index) as dead_letters:
            try:
                for row in _read(path, self._settings):
                    counts["rows_read"] += 1
                    if isinstance(row, DeadLetter):
                        counts["dead_letters"] += 1
                        dead_letters.write(row)
                        continue
                    key, label_set = row.paper.key, label_set_key(row.label_set)
                    packed = _PAPER.pack(index, row.line, label_set, rule.order(key))
                    yield paper_digest(key), packed
            except BadInputError as error:
                # An exception would reach the user wrapped in Beam's own message.
                yield TaggedOutput(_FAULTS, (index, str(error)))
        yield from (TaggedOutput(_COUNTS, count) for count in counts.items())


@beam.typehints.with_input_types(tuple[bytes, Iterable[bytes]])
class _KeepFirst(beam.DoFn):
    """From the packed rows of one paper to (label set, order) of the first, and the repeats."""

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
        counts = {"label_sets": 1, "after_dedup": len(orders)}
        if len(orders) < self._settings.min_label_set_count:
            counts |= {"label_sets_once": 1, "label_set_rows_dropped": len(orders)}
        else:
            yield _BOUNDS.pack(key, *SplitRule(self._settings).bounds(key, orders))
        yield from (TaggedOutput(_COUNTS, count) for count in counts.items())


class _Write(beam.DoFn):
    """Second reading: writes the papers that are kept, each to its split, and counts them."""

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
        kept = {key: Bounds(*ends) for key, *ends in _BOUNDS.iter_unpack(bounds)}
        # Rows and repeats both come in the order of their lines.
        repeated = iter(_sorted(repeats.get(index, b"")))
        next_repeat = next(repeated, None)
        counts: collections.Counter[str] = collections.Counter()
        labels, words = DistinctStrings("labels"), DistinctStrings("distinct_words_train")
        try:
            with ExampleFiles(self._destination, index) as files:
                for row in _read(path, self._settings):
                    if isinstance(row, DeadLetter):
                        continue
                    if row.line == next_repeat:
                        counts["repeats"] += 1
                        next_repeat = next(repeated, None)
                        continue
                    ends = kept.get(label_set_key(row.label_set))
                    if ends is None:
                        continue
                    split = row.split or split_of(rule.order(row.paper.key), ends)
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
    """Sorts packed numbers of eight bytes each."""
    return cast(Sequence[int], np.sort(np.frombuffer(packed, dtype=_NUMBER)))


def _distinct(elements: Iterable[tuple[bytes, bytes]]) -> Iterator[TaggedOutput]:
    return (TaggedOutput(_DISTINCT, element) for element in elements)
