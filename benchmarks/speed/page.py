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
    page.write_text(f"{before}{BEGIN}\n{render(results)}\n{END}{after}", "utf-8")


def render(results: Results) -> str:
    """Returns the tables of the sections that were measured."""
    headings = {
        "training": "Training",
        "features": "Features",
        "pipeline": "Pipeline, `default`",
        "serving": "Serving, `default`",
        "growth": "Growth, `default` without baselines",
    }
    parts: list[str] = []
    shown = ""
    for name, heading in headings.items():
        if name in results:
            section = results[name]
            machine = _describe(section["machine"])
            parts += [f"### {heading}", f"    {section['command']}", table(name, section)]
            # Left out where it is that of the section before.
            parts += [machine] if machine != shown else []
            shown = machine
    return "\n\n".join(parts)


def _describe(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 1e9:.0f} GB; Python {machine['python']}, {packages}."
    )
