"""The folder for temporary files of a run: what a killed run left is removed by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PREFIX: Final = "arxiv-tagger-run-"
_LOCK_FILE: Final = ".lock-of-a-run"


@contextmanager
def own_temporary_folder() -> Iterator[Path]:
    """Has this process, its libraries and its children put temporary files into a new folder.

    It is locked as long as one of them lives, and removed at the end. Folders that nobody holds
    any more are removed at the start.
    """
    base = Path(tempfile.gettempdir())
    _remove_leftovers(base)
    # Another run finds it by its name, so it gets that once it is locked.
    unlocked = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    lock = os.open(unlocked / _LOCK_FILE, os.O_WRONLY | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = unlocked.rename(base / unlocked.name[1:])
    before, named = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        del os.environ["TMPDIR"]
        if named is not None:
            os.environ["TMPDIR"] = named
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_leftovers(base: Path) -> None:
    """Removes the folders of this user's runs that are dead."""
    for path in base.glob(f"{_PREFIX}*/{_LOCK_FILE}"):
        try:
            lock = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        except OSError:
            # Gone by now, or of another user.
            continue
        try:
            if os.fstat(lock).st_uid == os.getuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
        except BlockingIOError:
            # Its run is at work.
            pass
        finally:
            os.close(lock)
