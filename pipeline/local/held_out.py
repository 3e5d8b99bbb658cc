"""Finds the papers that a pushed model was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pipeline.local.output_folder import OutputFolder
from schema import names
from schema.errors import UsageError

_REMEDY: Final = "Name a file of texts that the model is known to be good at with --reference."


def held_out_folders(folder: OutputFolder, version: str) -> list[Path]:
    """Returns the folders of the validation and the test papers of the run that pushed a version.

    Raises:
        UsageError: The folder does not hold that run.
    """
    examples = _examples(folder, version) if folder.metadata.is_file() else None
    if examples is None:
        raise UsageError(f"{folder.root} holds no run that pushed version {version}. {_REMEDY}")
    # Where a folder was copied, the index names the place of the original.
    place = folder.pipeline_root.joinpath(*examples.parts[-3:])
    found = [place / f"Split-{split}" for split in (names.VALIDATION, names.TEST)]
    if missing := [str(each) for each in found if not each.is_dir()]:
        raise UsageError(f"There is no {missing[0]}: it was deleted. {_REMEDY}")
    return found


def _examples(folder: OutputFolder, version: str) -> Path | None:
    """Returns where ExampleGen's papers were, of a run that pushed a version."""
    from tfx.orchestration.metadata import Metadata, sqlite_metadata_connection_config

    with Metadata(sqlite_metadata_connection_config(str(folder.metadata))) as handle:
        store = handle.store
        for pushed in store.get_artifacts_by_type("PushedModel"):
            if pushed.custom_properties["pushed_version"].string_value != version:
                continue
            for run in store.get_contexts_by_artifact(pushed.id):
                if run.type != "pipeline_run":
                    continue
                for artifact in store.get_artifacts_by_context(run.id):
                    if Path(artifact.uri).parts[-2:-1] == ("examples",):
                        return Path(artifact.uri)
    return None
