"""Where the Beam pipeline leaves its results, and what it tells the executor about them."""

from __future__ import annotations

import dataclasses
import json
import posixpath
from collections.abc import Mapping, Sequence

from tfx.dsl.io import fileio


@dataclasses.dataclass(frozen=True)
class Destination:
    """Where the results go; every folder may be remote.

    Attributes:
        examples: The examples artifact's folder.
        splits: The folder of each split, below it.
        curation: The curation artifact's folder.
    """

    examples: str
    splits: Mapping[str, str]
    curation: str

    @property
    def outcome(self) -> str:
        """File with the counts and faults, see `read_outcome`."""
        return posixpath.join(self.curation, "outcome.json")

    def dead_letters(self, index: int) -> str:
        """File with the malformed rows of the input file at that place, if it has any."""
        return posixpath.join(self.curation, f"dead_letters-{index:05d}")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What the pipeline found.

    Attributes:
        counts: Counts by the names of `CurationReport`'s attributes.
        faults: Messages about files that are broken, in file order; then no example is written.
    """

    counts: dict[str, int]
    faults: list[str]


def read_outcome(destination: Destination) -> Outcome:
    """Reads what the pipeline left at `Destination.outcome`."""
    with fileio.open(destination.outcome) as file:
        return Outcome(**json.loads(file.read()))


def write_outcome(
    destination: Destination,
    counts: Mapping[str, int],
    faults: Sequence[tuple[int, str]],
    late_faults: Sequence[tuple[int, str]],
) -> None:
    """Writes `Destination.outcome`.

    Args:
        destination: Where.
        counts: See `Outcome`.
        faults: Each broken file's place among the input files and what is wrong with it.
        late_faults: The same, found at the second reading.
    """
    messages = [message for _, message in sorted({*faults, *late_faults})]
    outcome = Outcome(dict(sorted(counts.items())), messages)
    with fileio.open(destination.outcome, "w") as file:
        file.write(json.dumps(dataclasses.asdict(outcome)))
