"""What a terminal gets of values that hold markup, emoji codes or control characters."""

from __future__ import annotations

import io

import pytest
from rich.table import Table

from pipeline.terminal import Terminal, styled

# A value, and what is shown of it.
VALUES = [
    ("[/x] [bold]b[/] \\[red]", "[/x] [bold]b[/] \\[red]"),
    ("topic:key:value :smile:", "topic:key:value :smile:"),
    ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
    ("\x9b31m \x7f \x00 \r", "\\x9b31m \\x7f \\x00 \\r"),
    ("gpj.\u202efdp \u2066x\u2069\u2028", "gpj.\\u202efdp \\u2066x\\u2069\\u2028"),
    # The bytes of a file name that is not UTF-8, as Python hands them over.
    ("caf\udce9.csv", "caf\\udce9.csv"),
    # What words are written with stays: a joiner in Hindi, an accent, a sign of an emoji.
    ("क्\u200dष e\u0301 👩\u200d🔬", "क्\u200dष e\u0301 👩\u200d🔬"),
]


def written(*parts: object, how: str = "print") -> str:
    file = io.StringIO()
    getattr(Terminal(file=file, width=60, force_terminal=True), how)(*parts)
    return file.getvalue()


@pytest.mark.parametrize(("value", "shown"), VALUES)
def test_a_value_is_shown_as_it_is(value, shown):
    assert written(value) == f"{shown}\n"
    assert written("a ", (value, ""), how="say") == f"a {shown}\n"
    table = Table(value, box=None, pad_edge=False)
    table.add_row(value)
    table.add_row(styled((value, "green")))
    lines = written(table).splitlines()
    assert len(lines) == 3
    assert all(shown in line for line in lines)


def test_a_part_has_its_own_style_and_no_line_is_broken():
    line = written(("✓", "green"), f" {'long/' * 30}", how="say")
    assert line == f"\x1b[32m✓\x1b[0m {'long/' * 30}\n"
