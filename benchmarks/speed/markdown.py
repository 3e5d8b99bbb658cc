"""Figures and tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTHING = "-"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table; None becomes a dash."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(NOTHING if cell is None else str(cell) for cell in line) + " |"
        for line in lines
    )


def seconds(value: float) -> str:
    """Returns seconds, with a decimal where they are few."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def gigabytes(size: float | None) -> str | None:
    """Returns bytes in units of 10^9; None for none and for 0, which was too short to be seen."""
    return f"{size / 1e9:,.2f}" if size else None


def megabytes(size: float) -> str:
    """Returns bytes in units of 10^6."""
    return f"{size / 1e6:,.0f}"


def ratio(value: float) -> str:
    """Returns how many times."""
    return f"{value:,.1f} x" if value >= 2 else f"{value:,.2f} x"
