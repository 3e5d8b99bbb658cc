"""Where the curation's results go; a retried or killed worker leaves no half-written file."""

from __future__ import annotations

import contextlib
import json
import posixpath
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import tensorflow as tf
from tfx.dsl.io import fileio

from components.example_gen.label_sets import LeftOut
from components.example_gen.rows import DeadLetter

UNFINISHED_DIR: Final = ".unfinished"
"""Folder in which files are written, beside the folders of finished ones."""

_RECORDS_PER_FILE: Final = 2**16

# On abstracts level 4 takes 40 % of the time of the default, 6, for files 6 % larger.
_OPTIONS: Final = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=4)


@dataclass(frozen=True)
class Destination:
    """Where the results go; every folder may be remote.

    Attributes:
        examples: The examples artifact's folder, with one for each split below it.
        curation: The curation artifact's folder.
    """

    examples: str
    curation: str

    @property
    def outcome(self) -> str:
        """File with what the pipeline found."""
        return posixpath.join(self.curation, "outcome.json")

    def dead_letters(self, index: int) -> str:
        """File with the malformed rows of an input file, if it has any."""
        return posixpath.join(self.curation, f"dead_letters-{index:05d}")


def read_outcome(destination: Destination) -> dict[str, Any]:
    """Returns what `write_outcome` wrote, by the names of its arguments."""
    with fileio.open(destination.outcome) as file:
        return dict(json.loads(file.read()))


def write_outcome(
    destination: Destination,
    counts: Mapping[str, int],
    faults: Sequence[tuple[int, str]],
    left_out: Sequence[LeftOut],
) -> None:
    """Writes what the pipeline found.

    Args:
        destination: Where.
        counts: Counts by the names of `CurationReport`'s attributes.
        faults: The number of each broken input file and what is wrong with it, of which the second
            is written, in file order; no example is written then.
        left_out: The labels that are left out.
    """
    outcome = {
        "counts": dict(sorted({**counts, "labels_left_out": len(left_out)}.items())),
        "faults": [message for _, message in sorted(set(faults))],
        "left_out": [each._asdict() for each in left_out],
    }
    with fileio.open(destination.outcome, "w") as file:
        file.write(json.dumps(outcome))


class _AtomicOutput(contextlib.ExitStack):
    """A context whose files move to their final places when it ends without an error.

    Their names and contents follow from the input alone, so a second attempt replaces the first
    one's files by equal ones.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._folder = posixpath.join(root, UNFINISHED_DIR, uuid.uuid4().hex)
        self._finals: dict[str, str] = {}

    def __exit__(self, error: type[BaseException] | None, *rest: Any) -> None:
        if not self._finals:
            return
        try:
            super().__exit__(error, *rest)
            if error is None:
                for temporary, final in self._finals.items():
                    fileio.makedirs(posixpath.dirname(final))
                    fileio.rename(temporary, final, overwrite=True)
        finally:
            fileio.rmtree(self._folder)

    def _start(self, final: str) -> str:
        """Returns where to write the file that will be at `final`."""
        fileio.makedirs(self._folder)
        temporary = posixpath.join(self._folder, f"{len(self._finals):05d}")
        self._finals[temporary] = final
        return temporary


class ExampleFiles(_AtomicOutput):
    """Writes the examples of one input file as gzipped TFRecords, in order; use it as a context.

    A split's files hold 65,536 examples each, so that later components can read a large split in
    parallel.

    Args:
        destination: Where the splits go.
        index: Number of the input file.
    """

    def __init__(self, destination: Destination, index: int) -> None:
        super().__init__(destination.examples)
        self._examples = destination.examples
        self._index = index
        self._counts: Counter[str] = Counter()
        self._writers: dict[str, tf.io.TFRecordWriter] = {}

    def write(self, split: str, example: bytes) -> None:
        """Appends a serialized example to a split."""
        part, rest = divmod(self._counts[split], _RECORDS_PER_FILE)
        if rest == 0:
            if part:
                self._writers[split].close()
            name = f"Split-{split}/data_tfrecord-{self._index:05d}-{part:05d}.gz"
            temporary = self._start(posixpath.join(self._examples, name))
            writer = tf.io.TFRecordWriter(temporary, options=_OPTIONS)
            self._writers[split] = self.enter_context(writer)
        self._writers[split].write(example)
        self._counts[split] += 1


class DeadLetterFile(_AtomicOutput):
    """Writes the malformed rows of one input file as JSON lines; use it as a context.

    Args:
        destination: Where they go; there is no file where no row is malformed.
        index: Number of the input file.
    """

    def __init__(self, destination: Destination, index: int) -> None:
        super().__init__(destination.curation)
        self._path = destination.dead_letters(index)
        self._file: Any = None

    def write(self, letter: DeadLetter) -> None:
        """Appends a malformed row."""
        if self._file is None:
            self._file = self.enter_context(fileio.open(self._start(self._path), "w"))
        self._file.write(letter.to_json() + "\n")
