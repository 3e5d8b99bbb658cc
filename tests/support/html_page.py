"""Reads an HTML page: its elements, texts and sections."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Elements without an end tag.
VOID = {"meta", "link", "br", "input", "img", "hr"}


class Page(HTMLParser):
    """Reads a page: its elements and their attributes, its text, and what is not closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]

    def table(self, name: str) -> list[list[str]]:
        """The texts of the cells of a table, row by row, its head too."""
        (_, found) = re.split(rf'aria-label="{name}, table"', self.source)
        rows = re.findall(r"<tr>(.*?)</tr>", found.partition("</table>")[0], re.DOTALL)
        cells = [re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL) for row in rows]
        return [[Page(cell).text for cell in row] for row in cells]

    def section(self, anchor: str) -> str:
        """The text of a section, with single blanks."""
        (found,) = re.findall(rf'<section [^>]*id="{anchor}".*?</section>', self.source, re.DOTALL)
        return Page(found).text
