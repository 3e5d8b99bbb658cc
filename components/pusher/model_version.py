"""What every push agrees on: which model it is, which number it gets, and what is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final

from components import file_digest
from schema import names

# TF Serving takes only numbers for versions and ignores every other name.
STAGING_PREFIX: Final = ".pushing-"
MANIFEST: Final = f"{names.EXTRA_ASSETS_DIR}/{names.PUSH_MANIFEST_FILE}"

# What is said of a model is no part of it: measured or pushed once more, the model is the same.
_SAID_OF_MODEL: Final = frozenset({f"{names.EXTRA_ASSETS_DIR}/{names.EVALUATION_FILE}", MANIFEST})


@dataclass(frozen=True)
class PushResult:
    """Where the model is served from.

    Attributes:
        version: Number of the version.
        path: Its folder, or its address in a bucket.
        is_new: False when the latest version already was this model.
    """

    version: int
    path: str
    is_new: bool


def choose_version(present: Iterable[int], now: int) -> int:
    """Returns the number of a new version: `now`, or the greatest present + 1 if that is greater.

    Args:
        present: Numbers that are taken.
        now: Seconds since 1970.
    """
    return max([now, *(version + 1 for version in present)])


def digest_files(
    files: Iterable[str], open_file: Callable[[str], AbstractContextManager[BinaryIO]]
) -> str:
    """Returns the sha256 over the names and the contents of all files of a model.

    The test metrics and the manifest that a push adds to it are left out.

    Args:
        files: Names relative to the model's folder, with slashes, in any order.
        open_file: Opens one of them for reading bytes.
    """
    return file_digest.digest_files(
        sorted(name for name in files if name not in _SAID_OF_MODEL), open_file
    )
