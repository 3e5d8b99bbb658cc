"""What TFX's index names, beside what is in the output folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ml_metadata.proto.metadata_store_pb2 import Artifact, Execution, ExecutionType
from tfx.orchestration.metadata import Metadata, sqlite_metadata_connection_config
from tfx.orchestration.portable.mlmd.execution_lib import prepare_execution, put_execution
from tfx.types import standard_artifacts

from pipeline.local.index import mend_index
from pipeline.local.output_folder import OutputFolder

KINDS = {
    "CsvExampleGen/examples": standard_artifacts.Examples,
    "StatisticsGen/statistics": standard_artifacts.ExampleStatistics,
    "Trainer/model": standard_artifacts.Model,
    "Pusher/pushed_model": standard_artifacts.PushedModel,
}
FILES = (
    "CsvExampleGen/examples/1/Split-train/data",
    "CsvExampleGen/examples/1/Split-test/data",
    "StatisticsGen/statistics/1/Split-train/stats",
    "Trainer/model/1/Format-Serving/saved_model.pb",
)


def connection(root: Path):
    return sqlite_metadata_connection_config(str(OutputFolder(root).metadata))


@pytest.fixture
def root(tmp_path) -> Path:
    """The output folder of a run that pushed nothing, with its index."""
    root = tmp_path / "out"
    for name in FILES:
        path = root / "pipeline" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "pipeline" / "Pusher" / "pushed_model" / "1").mkdir(parents=True)
    artifacts = []
    for name, kind in KINDS.items():
        artifact = kind()
        artifact.uri = str(root / "pipeline" / name / "1")
        if name == "CsvExampleGen/examples":
            artifact.split_names = '["train", "test"]'
        artifacts.append(artifact)
    with Metadata(connection(root)) as handle:
        for artifact in artifacts:
            artifact.mlmd_artifact.type_id = handle.store.put_artifact_type(artifact.artifact_type)
            artifact.mlmd_artifact.state = Artifact.LIVE
        handle.store.put_artifacts([each.mlmd_artifact for each in artifacts])
    return root


def mend(root: Path) -> list[str]:
    return mend_index(connection(root), OutputFolder(root))


def named(root: Path) -> dict[str, str]:
    """The state of each artifact, by its place in `pipeline`."""
    with Metadata(connection(root)) as handle:
        return {
            Path(each.uri).relative_to(root / "pipeline").parent.as_posix(): Artifact.State.Name(
                each.state
            )
            for each in handle.store.get_artifacts()
        }


def test_an_index_that_agrees_stays_as_it_is(root):
    index = OutputFolder(root).metadata
    before = index.read_bytes()
    assert mend(root) == []
    assert index.read_bytes() == before


@pytest.mark.parametrize(
    ("deleted", "what"),
    [
        ("Trainer", "Trainer/model"),
        ("Trainer/model/1/Format-Serving", "Trainer/model"),
        ("StatisticsGen/statistics/1/Split-train/stats", "StatisticsGen/statistics"),
        ("CsvExampleGen/examples/1/Split-test", "CsvExampleGen/examples"),
        ("Pusher", "Pusher/pushed_model"),
    ],
)
def test_what_is_deleted_is_marked_and_told_once(root, deleted, what):
    path = root / "pipeline" / deleted
    kept = path.rename(root / "kept")
    (sentence,) = mend(root)
    assert f"Results of {what.partition('/')[0]} were deleted" in sentence
    assert named(root) == {name: "DELETED" if name == what else "LIVE" for name in KINDS}
    assert mend(root) == []
    # Somebody puts it back.
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.rename(path)
    assert mend(root) == []
    assert set(named(root).values()) == {"LIVE"}


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
def test_a_copy_has_its_results_in_itself(root, tmp_path, how):
    other = tmp_path / "other"
    how(root, other)
    (sentence,) = mend(other)
    assert f"{other} is a copy of {root}" in sentence
    # Raises for a place in another folder.
    assert named(other) == dict.fromkeys(KINDS, "LIVE")
    assert mend(other) == []


def test_another_name_of_the_same_folder_is_no_copy(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert mend(tmp_path / "link") == []


def test_what_a_stopped_step_wrote_is_removed(root):
    with Metadata(connection(root)) as handle:
        ids = []
        for state in (Execution.COMPLETE, Execution.RUNNING, Execution.FAILED, Execution.CACHED):
            execution = prepare_execution(handle, ExecutionType(name="Trainer"), state)
            ids.append(put_execution(handle, execution, contexts=[]).id)
    model = root / "pipeline" / "Trainer" / "model"
    for number in ids:
        (model / str(number)).mkdir(exist_ok=True)
    mend(root)
    assert {int(path.name) for path in model.iterdir()} == {ids[0], ids[3]}
