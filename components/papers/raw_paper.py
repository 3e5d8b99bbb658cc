"""A paper as the pipeline stores it: title, abstract and labels."""

from __future__ import annotations

from dataclasses import dataclass

from schema.text import join_title_and_abstract


@dataclass(frozen=True)
class RawPaper:
    """A paper.

    Attributes:
        title: Its title; empty where the data has none.
        abstract: Its abstract.
        labels: Its true labels, each once.
        left_out: True labels that no model is to learn (`data.min_label_count`,
            `data.label_pattern`).
    """

    title: str
    abstract: str
    labels: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Title and abstract joined: what a client sends."""
        return join_title_and_abstract(self.title, self.abstract)

    def key(self, by_title: bool = True) -> str:
        """Returns what identifies the paper.

        Args:
            by_title: Whether the title alone does, where it has one; otherwise title and abstract
                together.
        """
        return self.title or self.abstract if by_title else self.text
