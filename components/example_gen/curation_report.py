"""The counts of every curation step, what must hold between them, and when they stop a run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Final

from components.example_gen.rows import DeadLetter
from components.example_gen.settings import DataSettings
from schema import names
from schema.errors import TaggerError

# In any large collection a few papers have the title of another.
_FEW_OTHER_TEXTS: Final = 0.01


@dataclasses.dataclass(frozen=True)
class CurationReport:
    """What became of the rows.

    Attributes:
        rows_read: Rows after the header.
        dead_letters: Malformed rows.
        repeats: Well-formed rows that repeat an earlier one by the rule of `data.dedup_by`.
        other_texts: Those of them whose abstract is another than that of the row they repeat.
        unlabelled: Well-formed rows without labels, dropped; whether they repeat others or not.
        after_dedup: Well-formed rows that are neither repeats nor dropped for want of labels.
        label_sets: Distinct values of the label column after that.
        label_sets_once: Those of them that occur less often than `min_label_set_count` (once,
            by default).
        label_set_rows_dropped: Their rows, which are dropped.
        kept: Papers left.
        unlabelled_kept: Those of them without a label.
        train: Papers of the train split.
        val: Papers of the validation split.
        test: Papers of the test split.
        labels: Distinct labels in train.
        labels_left_out: Distinct labels that are left out of them.
        several_labels: Well-formed rows with more than one label.
        distinct_words_train: Distinct words of the train abstracts, lower-cased and split on
            white space: the Keras example's size of the vocabulary.
    """

    rows_read: int
    dead_letters: int
    repeats: int
    other_texts: int
    unlabelled: int
    after_dedup: int
    label_sets: int
    label_sets_once: int
    label_set_rows_dropped: int
    kept: int
    unlabelled_kept: int
    train: int
    val: int
    test: int
    labels: int
    labels_left_out: int
    several_labels: int
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
        dropped = report.dead_letters + report.repeats + report.unlabelled
        if (
            report.rows_read != dropped + report.after_dedup
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
        first = first_dead_letters[:3]
        file = f"{first[0].file}, " if len({letter.file for letter in first}) == 1 else ""
        reasons = file + "; ".join(
            f"{'' if file else letter.file + ', '}line {letter.line}: {letter.reason}"
            for letter in first
        )
        return (
            f"{report.dead_letters} of {report.rows_read} rows ({share:.2%}) are malformed, more "
            f"than data.max_bad_share allows ({settings.max_bad_share:.2%}). The first: {reasons}. "
            "Correct them or the settings, or raise the share"
        )
    if not report.kept:
        return (
            f"nothing is left to train on: of {report.rows_read} rows, {report.dead_letters} are "
            f"malformed, {report.repeats} repeat an earlier one, {report.unlabelled} have no "
            f"labels, and {report.label_set_rows_dropped} have a label set that occurs fewer than "
            f"{settings.min_label_set_count} times (data.min_label_set_count)"
        )
    empty = [split for split in names.SPLITS if not getattr(report, split)]
    if empty:
        remedy = "Add rows or raise data.test_share and data.validation_share"
        if settings.columns.split is not None:
            remedy = f"The column {settings.columns.split!r} must name all three splits"
        return (
            f"no rows are left for {' and '.join(empty)}: of {report.kept} rows kept, "
            f"{report.train} are for train, {report.val} for val, {report.test} for test. {remedy}"
        )
    if not report.labels:
        return f"no row for training has a label: all {report.train} of them are unlabelled"
    return None


def warnings(report: CurationReport, settings: DataSettings) -> list[str]:
    """Says what a person should look at before using the data, with the settings to change."""
    rows = max(report.rows_read, 1)
    title = repr(settings.columns.title)
    found = []
    if settings.label_separator and not report.several_labels and rows > report.dead_letters:
        found.append(
            f"No row has more than one label by data.label_separator {settings.label_separator!r}. "
            "Set it to what separates them"
        )
    if report.other_texts > _FEW_OTHER_TEXTS * rows:
        found.append(
            f"{report.other_texts} of {rows} rows are dropped because their {title} occurs "
            f"before, though their {settings.columns.text!r} is another. Set data.dedup_by "
            "to title_and_text to keep them"
        )
    lost = {
        "malformed (correct them, or the settings)": report.dead_letters,
        f"the {title} of another row (set data.dedup_by)": report.other_texts,
        "no labels (set data.unlabelled to keep)": report.unlabelled,
        f"a label set in fewer than {settings.min_label_set_count} rows (lower "
        "data.min_label_set_count)": report.label_set_rows_dropped,
    }
    total = sum(lost.values())
    if total and total / rows >= settings.warn_lost_share:
        steps = "; ".join(f"{why}: {count}" for why, count in lost.items() if count)
        found.append(f"{total} of {rows} rows ({total / rows:.1%}) are lost. Of them, {steps}")
    return found
