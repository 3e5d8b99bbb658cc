"""Reads the lock files, which hold the packages of both stacks."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def locked(lock: str, python: str | None = None) -> dict[tuple[str, str], frozenset[str]]:
    """The hashes of each package and version of a lock file; all of it, or what a Python gets."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / lock).read_text()):
        line = entry.partition("\\")[0].strip()
        if line.startswith("#"):
            continue
        package = Requirement(line)
        if python and package.marker:
            environment = {"python_version": python, "python_full_version": f"{python}.1"}
            if not package.marker.evaluate(environment):
                continue
        hashes = re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry)
        found[package.name, str(package.specifier)] = frozenset(hashes)
    return found
