"""What stands for the names and contents of several files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO, Final

_BLOCK: Final = 2**20


def digest_files(
    files: Iterable[str], open_file: Callable[[str], AbstractContextManager[BinaryIO]]
) -> str:
    """Returns the sha256 over the names and the contents of files, in hexadecimal digits.

    Args:
        files: Their names, in the order that counts.
        open_file: Opens one of them for reading bytes.
    """
    digest = hashlib.sha256()
    for name in files:
        content = hashlib.sha256()
        with open_file(name) as file:
            while block := file.read(_BLOCK):
                content.update(block)
        # Both digests have a fixed length, so no two lists of files give the same bytes.
        digest.update(hashlib.sha256(os.fsencode(name)).digest() + content.digest())
    return digest.hexdigest()
