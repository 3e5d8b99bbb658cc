"""The pushed versions with their metrics, and which of them a server serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from schema import names
from schema.errors import UsageError
from serving.model_metadata import ModelMetadata
from serving.models_config import config_path_of, read_config, tagger_config, write_config
from serving.versions import GRAPH_FILE, find_versions

# Numbers from here on are the second of the push (September 2001 and later).
_DATES: Final = range(1_000_000_000, 10_000_000_000)


@dataclass(frozen=True)
class Version:
    """A pushed version.

    Attributes:
        number: Its number.
        path: Its folder.
        pushed: When it was pushed.
        size: Bytes of its files.
        validation: Metrics on validation when training ended; empty if they were not kept.
        test: Metrics on the test split; empty if they were not kept.
        labels: Its labels in the server's configuration.
    """

    number: int
    path: Path
    pushed: datetime
    size: int
    validation: Mapping[str, float]
    test: Mapping[str, float]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """What `write_release` wrote.

    Attributes:
        base_path: The serving directory, as the server sees it.
        before: Versions by label before.
        after: Versions by label now.
        loaded: Versions that the server holds, ascending.
    """

    base_path: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    loaded: tuple[int, ...]


def list_versions(base: Path) -> list[Version]:
    """Reads the versions of a serving directory, newest first.

    Raises:
        BadInputError: A version's metrics or the server's configuration can't be read.
    """
    released = tagger_config(read_config(config_path_of(base))).version_labels
    versions = []
    for number, path in sorted(find_versions(base).items(), reverse=True):
        metadata = ModelMetadata(path)
        pushed = number if number in _DATES else (path / GRAPH_FILE).stat().st_mtime
        versions.append(
            Version(
                number=number,
                path=path,
                pushed=datetime.fromtimestamp(pushed, timezone.utc),
                size=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
                validation=metadata.validation,
                test=metadata.test,
                labels=tuple(sorted(label for label in released if released[label] == number)),
            )
        )
    return versions


def write_release(
    base: Path,
    stable: int,
    canary: int | None,
    base_path: str | None = None,
    load_only: bool = False,
) -> Release:
    """Writes which versions a server serves into `models.config` beside the serving directory.

    The model gets a `specific` version policy and the labels `stable` and, if given, `canary`.
    Other models in the file, and other labels of this one whose versions exist, are kept.

    A running TF Serving refuses a file that gives a label to a version that it has not loaded
    (TF Serving's guide, "Assigning String Labels to Model Versions"). So it takes two files: one
    that loads the versions and leaves the labels, and once they are loaded, one that moves the
    labels. A version that loses its label to a newer one stays loaded until the next release, so
    that rolling back is instant. One that loses it to an older version is unloaded at once: the
    latest version answers queries without a label.

    Args:
        base: The serving directory.
        stable: The version for `stable`.
        canary: The version for `canary`; if None, no version has the label.
        base_path: The serving directory's absolute path or URL as the server sees it, such as in a
            container; if None, that of the existing file, or else `base`.
        load_only: Whether this is the first of the two files.

    Raises:
        UsageError: A version does not exist, `base_path` is relative, or the file can't be written.
        BadInputError: The existing file can't be read.
    """
    there = find_versions(base)
    wanted = (
        {names.STABLE: stable} if canary is None else {names.STABLE: stable, names.CANARY: canary}
    )
    for label, version in wanted.items():
        if version not in there:
            known = ", ".join(map(str, sorted(there, reverse=True))) or "none"
            raise UsageError(
                f"There is no version {version} in {base} for --{label}; there are: {known}."
            )
    config_path = config_path_of(base)
    config = read_config(config_path)
    model = tagger_config(config)
    path = base_path or model.base_path or str(base.absolute())
    if not path.startswith("/") and "://" not in path:
        raise UsageError(f"--base-path is {path!r}; TF Serving needs an absolute path or a URL.")
    before = dict(model.version_labels)
    held = {*before.values(), *model.model_version_policy.specific.versions} & there.keys()
    if load_only:
        after = before
        loaded = held.union(wanted.values())
    else:
        others = {
            label: version
            for label, version in before.items()
            if label not in (names.STABLE, names.CANARY) and version in there
        }
        after = {**others, **wanted}
        # Repeating a release must not unload what a server may still need.
        kept = held if after == before else held.intersection(before.values())
        loaded = {version for version in kept if version < max(after.values())}
        loaded.update(after.values())
    model.name = names.MODEL_NAME
    model.base_path = path
    model.model_platform = model.model_platform or "tensorflow"
    del model.model_version_policy.specific.versions[:]
    model.model_version_policy.specific.versions.extend(sorted(loaded))
    model.version_labels.clear()
    model.version_labels.update(after)
    write_config(config_path, config)
    return Release(path, before, after, tuple(sorted(loaded)))
