"""Settings of the report: how it measures, and what the model card says."""

from __future__ import annotations

from pydantic import Field

from schema.settings import Settings


class ReportSettings(Settings):
    """How the report is made.

    Attributes:
        item: What a row of the data is, such as `ticket`: report, page and terminal then speak of
            tickets, and of their title and text by the names of the columns.
        label_names: What labels are called, such as `{cs.LG: Machine Learning}`, or the path
            (relative to the profile) of a file of two columns, label and name. Shown beside the
            labels in the report, on the page of the server, by `predict` and `query --profile`.
        bootstrap_samples: Number of bootstrap draws of the test papers for the intervals; at
            least 1.
        level: Confidence level of the intervals, between 0 and 1.
        max_papers: Maximum number of test papers behind intervals and charts; larger splits are
            randomly sampled down to this number. All other metrics use every test paper.
        wrong_papers: Number of test papers with the largest errors to show, and at most that many
            typical right ones beside them; 0 shows none.
        seed: Seed of the draws.
        intended_use: What the model is for, in the model card.
        limits: What a user must know before relying on the model, in the model card: a list of
            sentences.
    """

    item: str = Field(default="paper", min_length=1)
    label_names: dict[str, str] = Field(default_factory=dict)
    bootstrap_samples: int = Field(default=1_000, ge=1)
    level: float = Field(default=0.95, gt=0.0, lt=1.0)
    max_papers: int = Field(default=20_000, ge=1)
    wrong_papers: int = Field(default=10, ge=0)
    seed: int = Field(default=0, ge=0)
    intended_use: str = (
        "Suggests labels for a paper from its title and abstract, best first. A person should "
        "confirm them: the model helps to classify papers but must not decide alone."
    )
    limits: tuple[str, ...] = (
        "It knows only the labels of its training papers and never suggests others.",
        "Labels with few training papers are rarely suggested, and less reliable.",
        "It matches words, not meaning: text in another language or from another field gets "
        "labels too, with little basis.",
        "It was measured on papers from the same source as its training papers; on others it may "
        "do worse.",
    )
