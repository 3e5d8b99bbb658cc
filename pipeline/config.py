"""The configuration: read from a profile and overrides, typed and frozen."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from components.baselines.settings import BaselineSettings
from components.evaluator.settings import NO_BASELINES, GateSettings
from components.example_gen.settings import DataSettings
from components.infra_validator.settings import InfraSettings
from components.report.settings import ReportSettings
from components.trainer.settings import OF_OUR_NETWORK, TrainerSettings
from components.transform.settings import FeatureSettings
from components.tuner.settings import TunerSettings
from pipeline.beam_settings import BeamSettings
from pipeline.deploy_settings import DeploySettings
from pipeline.settings_tree import Origin, SettingsTree, is_section, type_of
from pipeline.settings_yaml import explain as explain_yaml
from pipeline.settings_yaml import read_tree, read_value
from schema.errors import UsageError
from schema.settings import Settings
from schema.settings_errors import explain


class ServingSettings(Settings):
    """What the served model answers.

    Attributes:
        top_k: Maximum number of labels per response.
    """

    top_k: int = Field(default=10, ge=1)


class Config(Settings):
    """Everything that a run depends on, one section per part."""

    data: DataSettings = DataSettings()
    features: FeatureSettings = FeatureSettings()
    trainer: TrainerSettings = TrainerSettings()
    tuner: TunerSettings = TunerSettings()
    infra: InfraSettings = InfraSettings()
    gate: GateSettings = GateSettings()
    baselines: BaselineSettings = BaselineSettings()
    report: ReportSettings = ReportSettings()
    serving: ServingSettings = ServingSettings()
    beam: BeamSettings = BeamSettings()
    deploy: DeploySettings = DeploySettings()

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        if self.gate.max_drop_from_baseline and not self.baselines.enabled:
            raise ValueError(NO_BASELINES)
        self.tuner.check(self.trainer)
        return self


def profile_names() -> list[str]:
    """Returns the names of the profiles that come with the project."""
    folder = resources.files("pipeline") / "profiles"
    return sorted(
        Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load_config(profile: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a profile and applies overrides, as `resolve` does."""
    return resolve(profile, overrides)[0]


def resolve(profile: str, overrides: Sequence[str] = ()) -> tuple[Config, SettingsTree]:
    """Reads a profile, with what it extends, and applies overrides.

    Args:
        profile: The name of a profile that comes with the project, or the path of a YAML file.
        overrides: `section.key=value` each; the value is read as YAML, of a text setting it is
            what was typed.

    Returns:
        The configuration, and where each setting of it was set.

    Raises:
        UsageError: An unknown profile, key or type; the message names it.
    """
    tree = _read_profile(profile)
    for override in overrides:
        _apply_override(tree, override)
    _read_label_names(tree)
    _leave_out_what_is_ours(tree)
    try:
        text = json.dumps(tree.values, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"A setting holds what is not text: {error.object[error.start - 20 : error.end]!r}."
        ) from error
    try:
        return Config.model_validate_json(text), tree
    except ValidationError as error:
        lines = explain(error, Config, where=tree.place)
        raise UsageError(f"The configuration (profile {profile}) is not valid:\n{lines}") from error


def _leave_out_what_is_ours(tree: SettingsTree) -> None:
    """Takes from a model of one's own what our profiles ask for, and only our network has."""
    section = tree.values.get("trainer")
    if not isinstance(section, dict) or section.get("build_model") is None:
        return
    for key, value in OF_OUR_NETWORK.items():
        origin = tree.origins.get(("trainer", key))
        if origin is None or origin.source in profile_names():
            tree.put(("trainer", key), value, {})


def _read_label_names(tree: SettingsTree) -> None:
    """Puts what the file of the labels' names holds in place of its path."""
    path = ("report", "label_names")
    section = tree.values.get(path[0])
    if isinstance(section, dict) and isinstance(section.get(path[1]), str):
        origin = tree.origins[path]
        folder = Path(origin.source).parent if origin.line else Path()
        names = _read_two_columns(folder / Path(section[path[1]]).expanduser())
        tree.put(path, names, dict.fromkeys(_paths(path, names), origin))


def _read_two_columns(path: Path) -> dict[str, str]:
    """Reads labels and names, separated by tabs or else commas, without a header."""
    found = {}
    try:
        text = path.read_text("utf-8-sig")
        reader = csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text else ",")
        for row in filter(None, reader):
            if len(row) != 2:
                raise UsageError(
                    f"report.label_names: {path}, line {reader.line_num} has {len(row)} columns; "
                    "write a label and its name, separated by a tab or a comma."
                )
            found[row[0].strip()] = row[1].strip()
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"report.label_names: can't read {path}: {reason}.") from error
    return found


def _read_profile(profile: str, said: str = "", extending: Sequence[str] = ()) -> SettingsTree:
    """Reads a profile and what it extends; `said` names the line that asked for it, if one did."""
    if any(os.path.realpath(profile) == os.path.realpath(each) for each in extending):
        circle = ", which extends ".join((*extending, profile))
        raise UsageError(f"{said}{circle}: a circle. Give one of them `extends: null`.")
    tree = read_tree(_profile_text(profile, said), Config, profile)
    base = tree.values.pop("extends", "default")
    if base is None:
        return tree
    said = f"{tree.origin(('extends',))}: "
    if not isinstance(base, str):
        raise UsageError(f"{said}`extends` must be the name of a profile, a path, or null.")
    if base not in profile_names():
        base = os.path.normpath(Path(profile).parent / Path(base).expanduser())
    found = _read_profile(base, said, (*extending, profile))
    found.overlay(tree, Config)
    return found


def _profile_text(profile: str, said: str) -> str:
    path = Path(profile)
    if profile in profile_names():
        return (resources.files("pipeline") / "profiles" / f"{profile}.yaml").read_text("utf-8")
    if path.suffix not in {".yaml", ".yml"} and not (profile and path.exists()):
        raise UsageError(
            f"{said}There is no profile {profile!r}. Choose one of {', '.join(profile_names())}, "
            "or give the path of a .yaml file."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{said}Can't read the profile {profile}: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{said}Can't read the profile {profile}: line {line} is not UTF-8. Save it as UTF-8."
        ) from error


def _apply_override(tree: SettingsTree, override: str) -> None:
    name, separator, text = override.partition("=")
    path = tuple(name.strip().split("."))
    if not separator or not all(path):
        raise UsageError(
            f"The setting {override!r} must read section.key=value, such as trainer.epochs=5."
        )
    branch: Any = tree.values
    kind: Any = Config
    for key in path:
        if not isinstance(branch, dict):
            above = path[path.index(key) - 1]
            raise UsageError(f"The setting {override!r}: {above!r} is a setting, not a section.")
        branch, kind = branch.get(key, {}), type_of(kind, key)
    try:
        value = read_value(text, kind)
    except yaml.YAMLError as error:
        raise UsageError(
            f"The setting {override!r}: the value is not valid YAML: {explain_yaml(error)}."
        ) from error
    given = SettingsTree(origins=dict.fromkeys(_paths(path, value), Origin("--set")))
    if is_section(kind) and isinstance(value, dict):
        given.put(path, value, given.origins)
        tree.overlay(given, Config)
    else:
        tree.put(path, value, given.origins)


def _paths(path: tuple[str, ...], value: Any) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths((*path, key), inner)
