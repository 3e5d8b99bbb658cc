"""TFX's index of results, ML Metadata, made to agree with the disk before a run relies on it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from ml_metadata.proto.metadata_store_pb2 import Artifact, Execution
from tfx.orchestration.metadata import Metadata
from tfx.types import standard_artifacts

from pipeline.local.output_folder import OutputFolder
from pipeline.local.results import SERVED_MODEL_DIR

_SPLITS: Final = "split_names"
_UNFINISHED: Final = frozenset(
    {Execution.NEW, Execution.RUNNING, Execution.FAILED, Execution.CANCELED}
)


def mend_index(connection: Any, folder: OutputFolder) -> list[str]:
    """Has the index name only what is in the output folder, and the folder hold only what it names.

    What somebody deleted is marked so: TFX then takes it neither from the cache nor for the last
    model. What lies in a copy of a folder gets its place there. What stopped steps wrote is
    removed. Nothing else may use the folder.

    Args:
        connection: How to reach the index.
        folder: The output folder.

    Returns:
        What a person should know about it, in sentences.
    """
    with Metadata(connection) as handle:
        store = handle.store
        kinds = {kind.id: kind.name for kind in store.get_artifact_types()}
        changed, gone, origins = [], set(), set()
        for artifact in store.get_artifacts():
            before = (artifact.uri, artifact.state)
            origin = _origin(Path(artifact.uri), folder.root)
            if origin is not None:
                origins.add(str(origin))
                artifact.uri = str(folder.root / Path(artifact.uri).relative_to(origin))
            is_there = _is_there(artifact, kinds[artifact.type_id])
            if artifact.state in (Artifact.LIVE, Artifact.DELETED):
                artifact.state = Artifact.LIVE if is_there else Artifact.DELETED
            if (artifact.uri, artifact.state) != before:
                changed.append(artifact)
                if not is_there:
                    gone.add(Path(artifact.uri).parts[-3])
        if changed:
            store.put_artifacts(changed)
        stopped = [
            each.id for each in store.get_executions() if each.last_known_state in _UNFINISHED
        ]
    for number in stopped:
        for pattern in (f"*/*/{number}", f"*/.system/*/{number}"):
            for left in folder.pipeline_root.glob(pattern):
                shutil.rmtree(left)
    sentences = []
    if origins:
        sentences.append(
            f"{folder.root} is a copy of {' and '.join(sorted(origins))}. Its last model and "
            "statistics are compared with, but most steps run once more: TFX knows results by "
            "their place."
        )
    if gone:
        sentences.append(
            f"Results of {', '.join(sorted(gone))} were deleted from {folder.pipeline_root}. What "
            "needs them is done again; a model or statistics that are gone are not compared with."
        )
    return sentences


def _origin(path: Path, root: Path) -> Path | None:
    """Returns the output folder that a result was made in, if that is another one.

    Results lie in `pipeline/COMPONENT/OUTPUT/NUMBER` of it.
    """
    if len(path.parts) < 5 or path.parts[-4] != "pipeline":
        return None
    origin = path.parents[3]
    if origin == root or (origin.exists() and origin.samefile(root)):
        return None
    return origin


def _is_there(artifact: Artifact, kind: str) -> bool:
    """Tells whether a result holds files, in each split; what was not pushed is an empty folder."""
    path = Path(artifact.uri)
    if kind == standard_artifacts.PushedModel.TYPE_NAME:
        return path.is_dir()
    if kind == standard_artifacts.Model.TYPE_NAME:
        path /= SERVED_MODEL_DIR
    folders = [path]
    if _SPLITS in artifact.properties:
        names = json.loads(artifact.properties[_SPLITS].string_value or "[]")
        folders = [path / f"Split-{name}" for name in names] or folders
    return all(any(files for _, _, files in os.walk(folder)) for folder in folders)
