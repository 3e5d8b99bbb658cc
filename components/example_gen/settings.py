"""Settings of ExampleGen: how the data is read, curated and split."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from schema.settings import Separator, Settings
from schema.tables import Form

LabelFormat = Literal["list", "separated", "tags"]


class Columns(Settings):
    """Column names of the data.

    Attributes:
        title: Column of the title; null where the data has none. Abstracts then identify the
            papers.
        text: Column of the abstract, or of whatever is classified.
        labels: Column of the labels; or a list of columns, one for each label, which hold 1 or true
            where a paper has the label, and 0, false or nothing where it hasn't.
        split: Column with each row's split (train, val or validation, test); null to draw the
            split.
    """

    title: str | None = "titles"
    text: str = "summaries"
    labels: str | tuple[str, ...] = "terms"
    split: str | None = None

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that the labels are in."""
        return (self.labels,) if isinstance(self.labels, str) else self.labels


class DataSettings(Settings):
    r"""How the data becomes train, validation and test examples.

    Attributes:
        columns: The column names.
        field_separator: What separates the fields of a CSV file: one character, such as `;` or
            `|`; `\t` is a tab.
        header: Names of the columns of a CSV file whose first line is a row already; null where
            the first line holds them.
        label_format: How the labels stand in their column: `list` (a Python list literal),
            `separated` (by `label_separator`) or `tags` (`<a><b>` or `<a> <b>`). null means
            `separated` where `label_separator` is set, else `list`.
        label_separator: What separates the labels in their column (`\t`: a tab); null for nothing.
        label_order: Whether two papers with the same labels in another order have the same label
            set: `keep` takes the column's exact value for the set, `ignore` the labels themselves.
        min_label_set_count: Rows are dropped if their label set occurs fewer times than this.
        min_label_count: Labels of fewer rows than this (repeats count) are left out before label
            sets are counted; 1 leaves none out.
        label_pattern: Regular expression that a label has to match as a whole, else it is left
            out; null for any label. The metrics count the labels left out as missed.
        unlabelled: What becomes of rows without a label, or whose labels are all left out: `drop`,
            `keep` (they train and test the model as papers without a label) or `error`.
        dedup_by: What makes a row a repeat of an earlier one, which is dropped: the same `title`
            (the same text, where there is no title), `title_and_text`, or `none`.
        warn_lost_share: Share of the rows, lost in all steps together, from which `check` and `run`
            warn. Repeats of the same title and text are not lost.
        max_bad_share: Share of malformed rows above which the run stops.
        validation_share: Share of the papers that become validation examples.
        test_share: Share of the papers that become test examples.
        seed: Seed of the split.
        spans: How many of the latest spans are read together; 0 reads all. Has no effect unless
            the path contains `{SPAN}`, or `{YYYY}`, `{MM}` and `{DD}`.
        allow_span_gaps: Whether a span may be missing between two that are read.
    """

    columns: Columns = Columns()
    field_separator: Separator = ","
    header: tuple[str, ...] | None = Field(default=None, min_length=1)
    label_format: LabelFormat | None = None
    label_separator: Separator | None = None
    label_order: Literal["keep", "ignore"] = "keep"
    min_label_set_count: int = Field(default=2, ge=1)
    min_label_count: int = Field(default=1, ge=1)
    label_pattern: str | None = None
    unlabelled: Literal["drop", "keep", "error"] = "drop"
    dedup_by: Literal["title", "title_and_text", "none"] = "title"
    warn_lost_share: float = Field(default=0.2, ge=0.0, le=1.0)
    max_bad_share: float = Field(default=0.01, ge=0.0, le=1.0)
    validation_share: float = Field(default=0.05, gt=0.0, lt=0.5)
    test_share: float = Field(default=0.05, gt=0.0, lt=0.5)
    seed: int = Field(default=0, ge=0)
    spans: int = Field(default=1, ge=0)
    allow_span_gaps: bool = False

    @field_validator("field_separator")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value) != 1 or value in '"\r\n\0':
            raise ValueError(f"{value!r} is not one character that can separate fields")
        return value

    @property
    def form(self) -> Form:
        """How the file is written."""
        return Form(self.field_separator, self.header)

    @property
    def may_leave_labels_out(self) -> bool:
        """Whether a label may be left out of the papers that have it."""
        return self.min_label_count > 1 or self.label_pattern is not None

    @property
    def by_title(self) -> bool:
        """Whether the title alone identifies a paper that has one."""
        return self.dedup_by == "title"

    @field_validator("label_pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _check_label_form(self) -> DataSettings:
        given = {
            "columns.labels as a list of columns": not isinstance(self.columns.labels, str),
            f"label_format {self.label_format}": self.label_format in ("list", "tags"),
            "label_separator": self.label_separator is not None,
        }
        forms = [name for name, is_given in given.items() if is_given]
        if len(forms) > 1:
            raise ValueError(f"{' and '.join(forms)} contradict each other; leave one out")
        if self.label_format == "separated" and self.label_separator is None:
            raise ValueError("label_format is separated, so label_separator must be set")
        return self
