"""What all pushes share: a model's digest, its version number, and the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final

from components import file_digest
from schema import names

# TF Serving ignores every folder whose name is not a number.
STAGING_PREFIX: Final = ".pushing-"
MANIFEST: Final = f"{names.EXTRA_ASSETS_DIR}/{names.PUSH_MANIFEST_FILE}"

# Files about the model: measured or pushed again, it is still the same model.
_ABOUT_MODEL: Final = frozenset({f"{names.EXTRA_ASSETS_DIR}/{names.EVALUATION_FILE}", MANIFEST})


@dataclass(frozen=True)
class PushResult:
    """Where the model is served from.

    Attributes:
        version: Number of the version; on an endpoint, the id of the deployed model.
        path: Its folder, its address in a bucket, or the resource name of the model on Vertex AI.
        is_new: False if this model was served already.
    """

    version: int | str
    path: str
    is_new: bool


def choose_version(present: Iterable[int], now: int) -> int:
    """Returns the number of a new version: `now`, or the greatest present + 1 if that is greater.

    Args:
        present: Versions that exist.
        now: Seconds since 1970.
    """
    return max([now, *(version + 1 for version in present)])


def digest_files(
    files: Iterable[str], open_file: Callable[[str], AbstractContextManager[BinaryIO]]
) -> str:
    """Returns the SHA-256 of the names and contents of a model's files.

    The test metrics and the manifest, which pushes add, are left out.

    Args:
        files: Names relative to the model's folder, with slashes, in any order.
        open_file: Opens one of them for reading bytes.
    """
    return file_digest.digest_files(
        sorted(name for name in files if name not in _ABOUT_MODEL), open_file
    )
