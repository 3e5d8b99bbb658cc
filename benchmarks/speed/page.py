"""The tables on the page of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.speed.headline import headline_table
from benchmarks.speed.section_tables import (
    features_table,
    growth_table,
    pipeline_table,
    serving_table,
    training_table,
)

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
    """Returns the tables of the sections that were measured, ratios first."""
    parts = [headline_table(results)]
    makers = {
        "training": ("Training", training_table),
        "features": ("Features", features_table),
        "pipeline": (
            "Pipeline, `default`",
            lambda section: pipeline_table(section, results.get("training")),
        ),
        "serving": ("Serving, `default`", serving_table),
        "growth": ("Growth, `default` without baselines", growth_table),
    }
    shown = ""
    for name, (heading, make) in makers.items():
        if name in results:
            section = results[name]
            machine = describe(section["machine"])
            parts += [f"### {heading}", f"    {section['command']}", make(section)]
            # Told where it differs from that of the section before.
            parts += [machine] if machine != shown else []
            shown = machine
    return "\n\n".join(parts)


def describe(machine: dict[str, Any]) -> str:
    """Returns a machine and its versions in a line."""
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 1e9:.0f} GB; Python {machine['python']}, {packages}."
    )
