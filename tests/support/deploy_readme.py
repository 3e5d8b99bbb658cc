"""The examples in the README of serving/deploy."""

from __future__ import annotations

import re
from pathlib import Path

_README = Path(__file__).parents[2] / "serving" / "deploy" / "README.md"


def example(heading: str, language: str) -> str:
    """The first code in a language below a heading."""
    text = _README.read_text(encoding="utf-8")
    (found,) = re.findall(rf"## {heading}\n.*?```{language}\n(.*?)```", text, re.DOTALL)
    return found
