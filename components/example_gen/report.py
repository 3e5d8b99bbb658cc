"""The counts of every curation step, what must hold between them, and when they stop the run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from components.example_gen.settings import DataSettings
from components.papers.csv_rows import DeadLetter
from schema import names
from schema.errors import TaggerError


@dataclasses.dataclass(frozen=True)
class CurationReport:
    """What became of the rows.

    Attributes:
        rows_read: Rows after the header.
        dead_letters: Malformed rows.
        repeats: Well-formed rows whose title was seen before.
        after_dedup: Well-formed rows without them.
        label_sets: Distinct values of the label column after that.
        label_sets_once: Those of them that occur less often than `min_label_set_count` (once,
            by default), whose rows are dropped.
        label_set_rows_dropped: Their rows.
        kept: Papers left.
        train: Papers of the train split.
        val: Papers of the validation split.
        test: Papers of the test split.
        labels: Distinct labels in train.
        distinct_words_train: Distinct words of the train texts, lower-cased and split on white
            space: what the Keras example sizes its vocabulary with.
    """

    rows_read: int
    dead_letters: int
    repeats: int
    after_dedup: int
    label_sets: int
    label_sets_once: int
    label_set_rows_dropped: int
    kept: int
    train: int
    val: int
    test: int
    labels: int
    distinct_words_train: int

    @classmethod
    def from_counts(cls, counts: Mapping[str, int]) -> CurationReport:
        """Composes the report from counts by name.

        Args:
            counts: The attributes' values, without `kept`; one that is absent is 0.

        Returns:
            The report.

        Raises:
            TaggerError: The counts contradict each other: a row was lost or came up twice.
        """
        known = {field.name: counts.get(field.name, 0) for field in dataclasses.fields(cls)}
        known["kept"] = sum(known[split] for split in names.SPLITS)
        report = cls(**known)
        report.check()
        return report

    def check(self) -> None:
        """Checks that every row is accounted for.

        Raises:
            TaggerError: A row was lost or came up twice.
        """
        gone = self.repeats + self.label_set_rows_dropped + self.dead_letters
        if (
            self.rows_read != self.kept + gone
            or self.after_dedup != self.kept + self.label_set_rows_dropped
            or self.kept != self.train + self.val + self.test
        ):
            raise TaggerError(
                f"the counts of the curation don't add up ({self.to_json()}). Did the file change "
                "while it was read? Run it again"
            )

    def to_json(self) -> str:
        """Returns the report as a flat JSON object."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> CurationReport:
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))


def dead_letter_to_json(letter: DeadLetter) -> str:
    """Returns a dead letter as one line of JSON: `file`, `line`, `reason`, `fields`."""
    return json.dumps(letter._asdict(), ensure_ascii=False)


def dead_letter_from_json(line: str) -> DeadLetter:
    """Reads what `dead_letter_to_json` wrote."""
    read = json.loads(line)
    return DeadLetter(read["file"], read["line"], read["reason"], tuple(read["fields"]))


def why_stop(
    report: CurationReport, first_dead_letters: Sequence[DeadLetter], settings: DataSettings
) -> str | None:
    """Says why a run on this data has to stop.

    Args:
        report: The counts.
        first_dead_letters: The first few dead letters in file order; three are told.
        settings: The share of malformed rows that is borne, and how the splits come about.

    Returns:
        A message for a person; None where the run can go on.
    """
    share = report.dead_letters / max(report.rows_read, 1)
    if share > settings.max_bad_share:
        reasons = "; ".join(
            f"{letter.file}, line {letter.line}: {letter.reason}"
            for letter in first_dead_letters[:3]
        )
        return (
            f"{report.dead_letters} of {report.rows_read} rows ({share:.2%}) are malformed, more "
            f"than data.max_bad_share allows ({settings.max_bad_share:.2%}). The first: {reasons}. "
            "Correct them or raise the share; `arxiv-tagger check --data FILE` lists them all"
        )
    if not report.kept:
        return (
            f"nothing is left to train on: of {report.rows_read} rows {report.dead_letters} are "
            f"malformed, {report.repeats} repeat a title, and {report.label_set_rows_dropped} have "
            f"a label set that occurs less than {settings.min_label_set_count} times "
            "(data.min_label_set_count)"
        )
    empty = [split for split in names.SPLITS if not getattr(report, split)]
    if empty:
        remedy = "Add papers or raise data.test_share and data.validation_share"
        if settings.columns.split is not None:
            remedy = f"The column {settings.columns.split!r} must name each of the three"
        return (
            f"no paper is left for {' and '.join(empty)}: {report.kept} papers are kept, "
            f"{report.train} for train, {report.val} for val, {report.test} for test. {remedy}"
        )
    return None
