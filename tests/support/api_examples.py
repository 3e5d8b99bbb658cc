"""The examples of docs/api.md, on a server of a test."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def example(language: str, address: str, text: str) -> str:
    """Returns the last example in a language, which asks another server about another text."""
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[-1]
    assert "http://localhost:8501" in found
    return found.replace("http://localhost:8501", address).replace(r"A title\nAn abstract …", text)
