"""The output folder of a run: what lies where, and the lock that keeps a second run out."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from schema import names
from schema.errors import UsageError, writing

_WILDCARDS: Final = frozenset("[]*?")


def full_path(path: Path) -> Path:
    """Returns the absolute path, without `..`: TFX knows results by their place."""
    return path.resolve() if ".." in path.parts else path.absolute()


def plain_path(folder: Path) -> Path:
    """Returns another path of a folder whose own reads like a pattern, a link to it; or its own.

    TFX, Beam and TensorFlow take the paths of their files for patterns, here and in the processes
    that they start. The link stays, and has the same name every time: TFX knows results by their
    place.

    Raises:
        UsageError: Something else stands where the link has to be.
    """
    place = folder.absolute()
    if not _WILDCARDS & set(str(place)):
        return folder
    digest = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    link = Path(tempfile.gettempdir()) / f"arxiv-tagger-{digest}"
    with contextlib.suppress(FileExistsError):
        link.symlink_to(place)
    if os.path.realpath(link) != os.path.realpath(place):
        raise UsageError(
            f"{folder} has wildcards in its name, and {link}, which should stand for it, is "
            "something else. Delete that, or choose a folder without brackets, * and ?."
        )
    return link


class OutputFolder:
    """The folders of a run's output.

    Attributes:
        root: The output folder.
        data: Downloads and the embedded sample.
        logs: What the libraries printed, a file for each run.
        pipeline_root: TFX's artifacts.
        metadata: TFX's ML Metadata store.
        serving: The parent of the pushed versions.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        self.logs = root / "logs"
        self.pipeline_root = root / "pipeline"
        self.metadata = root / "metadata" / "metadata.sqlite"
        self.serving = root / "serving" / names.MODEL_NAME

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder, and keeps a second run out: two would mix their metadata.

        Raises:
            BadInputError: It can't be written.
            UsageError: Another run uses it, or its name is not UTF-8.
        """
        try:
            str(self.root).encode("utf-8")
        except UnicodeEncodeError as error:
            raise UsageError(
                f"The name of the folder {self.root} is not valid UTF-8. Choose another --output "
                "folder, or rename this one."
            ) from error
        with writing(self.root):
            self.root.resolve().mkdir(parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UsageError(
                    f"Another run is using {self.root}. Wait for it, or choose another --output "
                    "folder."
                ) from error
            yield

    def place_schema(self) -> Path:
        """Copies the curated schema to a folder named after its content.

        TFX's cache looks at the path alone: an edited schema must have another one.
        """
        content = (resources.files("schema") / "schema.pbtxt").read_bytes()
        folder = self.root / "schema" / hashlib.sha256(content).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schema.pbtxt").write_bytes(content)
        return folder
