"""Calls the command line, in this process or a new one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from pipeline.cli.main import main

ROOT = Path(__file__).resolve().parents[2]

# Runs commands one after the other, and names the packages that they loaded.
WATCHER = """
import json, sys
from click.testing import CliRunner
from pipeline.cli.main import main
codes = [CliRunner().invoke(main, each).exit_code for each in json.loads(sys.argv[1])]
loaded = sorted({name.partition(".")[0] for name in sys.modules})
json.dump([codes, loaded], sys.stdout)
"""


def invoke(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], **options)


def flat(text: str) -> str:
    """The text without the line breaks and the spaces of a table."""
    return " ".join(text.split())


def paper_rows(count: int = 60) -> list[str]:
    """Lines of a CSV file of papers that all have one label set."""
    return [f'"Title {i}","Abstract {i}","[\'cs.LG\', \'stat.ML\']"' for i in range(count)]


def watch(*commands: list[str]) -> tuple[list[int], set[str]]:
    """The exit codes of commands in one new process, and the packages that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, json.dumps(commands)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    codes, loaded = json.loads(done.stdout)
    return codes, set(loaded)
