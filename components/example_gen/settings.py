"""Settings of ExampleGen: how the CSV is read, curated and split."""

from __future__ import annotations

from pydantic import Field, field_validator

from schema.settings import Separator, Settings
from schema.tables import Form


class Columns(Settings):
    """Column names of the CSV file.

    Attributes:
        title: Column of the title; null where the data has none. Abstracts then identify the
            papers.
        text: Column of the abstract, or of whatever is classified.
        labels: Column of the labels.
        split: Column with each row's split (train, val or validation, test); null to draw the
            split.
    """

    title: str | None = "titles"
    text: str = "summaries"
    labels: str = "terms"
    split: str | None = None


class DataSettings(Settings):
    r"""How the CSV becomes train, validation and test examples.

    Attributes:
        columns: The column names.
        field_separator: What separates the fields of a CSV file: one character, such as `;` or
            `|`; `\t` is a tab.
        header: Names of the columns of a CSV file whose first line is a row already; null where
            the first line holds them.
        label_separator: What separates the labels in their column, `\t` for a tab; null where
            they are a Python list literal.
        min_label_set_count: Rows are dropped if their exact label value occurs fewer times than
            this.
        max_bad_share: Share of malformed rows above which the run stops.
        validation_share: Share of the papers that become validation examples.
        test_share: Share of the papers that become test examples.
        seed: Seed of the split.
        spans: How many of the latest spans are read together; 0 reads all. Has no effect unless
            the path contains `{SPAN}`.
        allow_span_gaps: Whether a span may be missing between two that are read.
    """

    columns: Columns = Columns()
    field_separator: Separator = ","
    header: tuple[str, ...] | None = Field(default=None, min_length=1)
    label_separator: Separator | None = None
    min_label_set_count: int = Field(default=2, ge=1)
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
