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
    """

    title: str
    abstract: str
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """Title and abstract joined: what a client sends."""
        return join_title_and_abstract(self.title, self.abstract)

    @property
    def key(self) -> str:
        """What identifies the paper: its title or, where it has none, its abstract."""
        return self.title or self.abstract
