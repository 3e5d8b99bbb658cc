"""The version of the code that runs, by git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What the pipeline's behaviour depends on; a changed test or page is not another version.
_CODE: Final = ("schema", "serving", "components", "pipeline", "pyproject.toml")
_SECONDS: Final = 10


@dataclass(frozen=True)
class CodeVersion:
    """A version of the code.

    Attributes:
        commit: The git commit, 40 hexadecimal digits; empty outside a checkout.
        changed: Whether there are uncommitted changes.
    """

    commit: str = ""
    changed: bool = False


UNKNOWN: Final = CodeVersion()


def code_version(root: Path | None = None) -> CodeVersion:
    """Asks git for the version of the code that runs.

    Args:
        root: Folder of the packages; by default the one this file was installed in.

    Returns:
        The version; UNKNOWN without git, or where git doesn't track the folder: an installed
        package may lie inside somebody else's checkout.
    """
    root = root or Path(__file__).resolve().parents[1]
    if _git(root, "ls-files", "--error-unmatch", "pipeline/__init__.py") is None:
        return UNKNOWN
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", *_CODE)
    return CodeVersion(commit, bool(changes)) if commit else UNKNOWN


def _git(root: Path, *arguments: str) -> str | None:
    """Returns what git answers; None where it fails, or there is none."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
