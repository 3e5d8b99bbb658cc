"""Curation as Beam transforms: repeats, rare label sets and the split, without moving papers.

Every file is read twice. The first reading emits 60 bytes a paper: hashes of its key, label set
and text, and its place in the split's order. They are grouped by paper (all but the first are
repeats) and by label set (which ones are too rare, and where the splits of the others end). The
second reading looks each paper up in these results, a side input of a few bytes a repeat and 32
bytes a label set, and writes it. So papers are neither grouped nor shuffled nor held in memory.
A label set of a third of all papers is spread over several keys; when it is joined at last it
takes eight bytes a paper. All keys are of types with deterministic coders.

Where labels may be left out, a reading before these counts them.
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
from components.example_gen.label_sets import LeftOut, count_label_set, leave_out
from components.example_gen.outputs import (
    DeadLetterFile,
    Destination,
    ExampleFiles,
    write_outcome,
)
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
from components.papers.examples import serialize_paper
from schema import names
from schema.errors import BadInputError

_COUNTS: Final = "counts"
_FAULTS: Final = "faults"
_REPEATS: Final = "repeats"
_DISTINCT: Final = "distinct"

# What the first reading emits of a paper: the number of its file, its line, its label set's key,
# its order and its text's digest. Big-endian, so that the smallest packed value is the first in
# file order.
_PAPER: Final = struct.Struct(">IQ16sQ8s")
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
    left_out = AsSingleton(
        files
        | "CountLabels" >> beam.FlatMap(_count_labels, settings)
        | "SumLabels" >> beam.CombinePerKey(sum)
        | "AllLabels" >> beam.combiners.ToDict()
        | "LeaveOut" >> beam.Map(leave_out, settings)
    )
    survey = files | "Survey" >> beam.ParDo(
        _Survey(settings, destination), left_out=left_out
    ).with_outputs(_COUNTS, _FAULTS, main="papers")
    faults = _typed(survey[_FAULTS], tuple[int, str])
    papers = (
        _typed(survey.papers, tuple[bytes, bytes])
        | "GroupPapers" >> beam.GroupByKey()
        | "KeepFirst" >> beam.ParDo(_KeepFirst()).with_outputs(_COUNTS, _REPEATS, main="first")
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
        left_out=left_out,
    ).with_outputs(_COUNTS, _FAULTS, _DISTINCT)
    distinct = (
        _typed(written[_DISTINCT], tuple[bytes, bytes])
        | "GroupHashes" >> beam.GroupByKey()
        | "CountDistinct" >> beam.Map(count_distinct)
    )
    counts = (
        (
            *(
                _typed(step[_COUNTS], tuple[str, int])
                for step in (survey, papers, label_sets, written)
            ),
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
        >> beam.Map(
            write_outcome, counts=AsDict(counts), faults=AsList(all_faults), left_out=left_out
        )
    )


@beam.typehints.with_output_types(Iterable[tuple[str, int]])
def _count_labels(file: tuple[int, str], settings: DataSettings) -> Iterable[tuple[str, int]]:
    return count_labels(file[1], settings, _open).items()


def _typed(elements: PCollection, element_type: object) -> PCollection:
    """Says what one of several outputs holds.

    A hint on the transform would only apply to its main output, and a key without a type has no
    deterministic coder.
    """
    elements.element_type = convert_to_beam_type(element_type)
    return elements


def _read(
    path: str, settings: DataSettings, left_out: Iterable[LeftOut]
) -> Iterator[PaperRow | DeadLetter]:
    return read_rows(path, settings, _open, frozenset(each.label for each in left_out))


def _open(path: str) -> BinaryIO:
    """Opens a local or remote file on a worker, as it is: the reader unzips it."""
    return cast(BinaryIO, FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))


@beam.typehints.with_input_types(tuple[int, str], left_out=list[LeftOut])
class _Survey(beam.DoFn):
    """First reading: from a file to (paper digest, packed paper); writes its malformed rows."""

    def __init__(self, settings: DataSettings, destination: Destination) -> None:
        self._settings = settings
        self._destination = destination

    def process(
        self, element: tuple[int, str], left_out: Sequence[LeftOut]
    ) -> Iterator[tuple[bytes, bytes] | TaggedOutput]:
        index, path = element
        settings, rule = self._settings, SplitRule(self._settings)
        counts: collections.Counter[str] = collections.Counter()
        with DeadLetterFile(self._destination, index) as dead_letters:
            try:
                for row in _read(path, settings, left_out):
                    counts["rows_read"] += 1
                    if isinstance(row, DeadLetter):
                        counts["dead_letters"] += 1
                        dead_letters.write(row)
                        continue
                    counts["several_labels"] += len(row.paper.labels) > 1
                    if row.is_dropped(settings):
                        counts["unlabelled"] += 1
                        continue
                    key, label_set = row.paper.key(settings.by_title), label_set_key(row.label_set)
                    text = text_digest(row.paper.abstract)
                    packed = _PAPER.pack(index, row.line, label_set, rule.order(key), text)
                    # Where nothing is a repeat, each paper is a group of its own.
                    yield packed if settings.dedup_by == "none" else paper_digest(key), packed
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
        texts = collections.Counter([_PAPER.unpack(first)[-1]])
        for paper in papers:
            texts[_PAPER.unpack(paper)[-1]] += 1
            first, later = min(first, paper), max(first, paper)
            index, line, *_ = _PAPER.unpack(later)
            yield TaggedOutput(_REPEATS, (index, line.to_bytes(8, "big")))
        _, _, label_set, order, text = _PAPER.unpack(first)
        if others := texts.total() - texts[text]:
            yield TaggedOutput(_COUNTS, ("other_texts", others))
        yield label_set, order.to_bytes(8, "big")


@beam.typehints.with_input_types(tuple[bytes, bytes])
class _FindBounds(beam.DoFn):
    """From a label set and its papers' orders to its packed bounds, unless it is too rare."""

    def __init__(self, settings: DataSettings) -> None:
        self._settings = settings

    def process(self, element: tuple[bytes, bytes]) -> Iterator[bytes | TaggedOutput]:
        key, packed = element
        orders = _sorted(packed)
        counts = count_label_set(key, len(orders), self._settings)
        if "label_sets_once" not in counts:
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
        left_out: Sequence[LeftOut],
    ) -> Iterator[TaggedOutput]:
        if faults:
            return
        index, path = element
        settings, rule = self._settings, SplitRule(self._settings)
        kept = {key: Bounds(*ends) for key, *ends in _BOUNDS.iter_unpack(bounds)}
        # Rows and repeats both come in the order of their lines.
        repeated = iter(_sorted(repeats.get(index, b"")))
        next_repeat = next(repeated, None)
        counts: collections.Counter[str] = collections.Counter()
        labels, words = DistinctStrings("labels"), DistinctStrings("distinct_words_train")
        try:
            with ExampleFiles(self._destination, index) as files:
                for row in _read(path, settings, left_out):
                    if isinstance(row, DeadLetter):
                        continue
                    if row.line == next_repeat:
                        counts["repeats"] += 1
                        next_repeat = next(repeated, None)
                        continue
                    ends = kept.get(label_set_key(row.label_set))
                    if ends is None:
                        continue
                    split = row.split or split_of(
                        rule.order(row.paper.key(settings.by_title)), ends
                    )
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
