"""Calls the command line in this process."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner, Result

from pipeline.cli.main import main


def invoke(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], **options)


def flat(text: str) -> str:
    """The text without the line breaks and the spaces of a table."""
    return " ".join(text.split())


def paper_rows(count: int = 60) -> list[str]:
    """Lines of a CSV file of papers that all have one label set."""
    return [f'"Title {i}","Abstract {i}","[\'cs.LG\', \'stat.ML\']"' for i in range(count)]
