"""The tables on the page of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.speed.tables import table

BEGIN: Final = "<!-- speed -->"
END: Final = "<!-- /speed -->"

Results = dict[str, dict[str, Any]]


def write_page(page: Path, results: Results) -> None:
    """Replaces what stands between the two markers of a page.

    Raises:
        ValueError: The page lacks a marker.
    """
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} with an {END} after it.")
    page.write_text(f"{before}{BEGIN}\n{table('page', results)}\n{END}{after}", "utf-8")
