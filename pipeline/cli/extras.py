"""Which commands need more than the base installation, and how to install it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import click

# Each command's extra, and a package that only this extra installs.
_EXTRAS: Final = {
    **dict.fromkeys(("serve", "predict"), ("server", "tensorflow")),
    **dict.fromkeys(("run", "drift", "compile", "submit"), ("pipeline", "tfx")),
}


class MissingExtraError(click.ClickException):
    """A command's extra is not installed."""

    exit_code = 2


def require_extra(command: str) -> None:
    """Raises a MissingExtraError if the extra that a command needs is not installed."""
    extra, package = _EXTRAS.get(command, ("", "click"))
    if find_spec(package) is None:
        raise MissingExtraError(
            f"`arxiv-tagger {command}` needs the extra {extra!r}: "
            f"pip install 'arxiv-tagger[{extra}]'"
        )
