"""What a person reads: values are shown as they are, and never change how the rest is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.text import Text

from schema.text import visible
from schema.words import PAPERS, Words

Part: TypeAlias = "str | tuple[str, str]"


class Terminal(Console):
    """A console for values of any content: no markup, no emoji codes, no control characters.

    Args:
        words: What sentences of the project speak of.
    """

    def __init__(self, words: Words = PAPERS, **options: Any) -> None:
        self.words = words
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Returns what Rich shows of a string, be it a line or the cell of a table."""
        return super().render_str(visible(text), **options)

    def say(self, *parts: Part) -> None:
        """Writes a line, which the terminal alone breaks: a path can be copied."""
        self.print(styled(*parts), soft_wrap=True)

    @contextmanager
    def progress(self, *columns: ProgressColumn) -> Iterator[Callable[[int, int | None], None]]:
        """Shows progress on a terminal; yields what is told how much is done, and of how much."""
        with Progress(*columns, console=self, transient=True, disable=not self.is_terminal) as line:
            task = line.add_task("", total=None)
            yield lambda done, total: line.update(task, completed=done, total=total)


def styled(*parts: Part) -> Text:
    """Returns a text of parts; a pair is a part with its style, such as `("✓", "green")`."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((visible(text), style) for text, style in pairs))
