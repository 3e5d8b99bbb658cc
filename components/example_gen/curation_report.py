"""The counts of every curation step, what must hold between them, and when they stop a run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from components.example_gen.rows import DeadLetter
from components.example_gen.settings import DataSettings
from schema import names
from schema.errors import TaggerError


@dataclasses.dataclass(frozen=True)
class CurationReport:
    """What became of the rows.

    Attributes:
        rows_read: Rows after the header.
        dead_letters: Malformed rows.
        repeats: Well-formed rows whose title, or abstract without a title, was seen before.
        after_dedup: Well-formed rows without them.
        label_sets: Distinct values of the label column after that.
        label_sets_once: Those of them that occur less often than `min_label_set_count` (once,
            by default).
        label_set_rows_dropped: Their rows, which are dropped.
        kept: Papers left.
        train: Papers of the train split.
        val: Papers of the validation split.
        test: Papers of the test split.
        labels: Distinct labels in train.
        distinct_words_train: Distinct words of the train abstracts, lower-cased and split on
            white space: the Keras example's size of the vocabulary.
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
        """Makes the report, and checks that every row is accounted for.

        Args:
            counts: The attributes' values, without `kept`; a missing one is 0.

        Raises:
            TaggerError: The counts contradict each other: a row was lost or counted twice.
        """
        known = {field.name: counts.get(field.name, 0) for field in dataclasses.fields(cls)}
        known["kept"] = sum(known[split] for split in names.SPLITS)
        report = cls(**known)
        if (
            report.rows_read != report.dead_letters + report.repeats + report.after_dedup
            or report.after_dedup != report.kept + report.label_set_rows_dropped
        ):
            raise TaggerError(
                f"the counts of the curation don't add up ({report.to_json()}). Did the file "
                "change while it was read? Run it again"
            )
        return report

    def to_json(self) -> str:
        """Returns the report as a flat JSON object."""
        return json.dumps(dataclasses.asdict(self), indent=2)


def stop_reason(
    report: CurationReport, first_dead_letters: Sequence[DeadLetter], settings: DataSettings
) -> str | None:
    """Says why a run on this data has to stop; None where it can continue.

    Args:
        report: The counts.
        first_dead_letters: The first dead letters in file order; three are quoted.
        settings: How the data was read.
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
            f"nothing is left to train on: of {report.rows_read} rows, {report.dead_letters} are "
            f"malformed, {report.repeats} repeat an earlier paper, and "
            f"{report.label_set_rows_dropped} have a label set that occurs fewer than "
            f"{settings.min_label_set_count} times (data.min_label_set_count)"
        )
    empty = [split for split in names.SPLITS if not getattr(report, split)]
    if empty:
        remedy = "Add papers or raise data.test_share and data.validation_share"
        if settings.columns.split is not None:
            remedy = f"The column {settings.columns.split!r} must name all three splits"
        return (
            f"no papers are left for {' and '.join(empty)}: of {report.kept} papers kept, "
            f"{report.train} are for train, {report.val} for val, {report.test} for test. {remedy}"
        )
    return None
