"""The configuration: read from a profile and overrides, typed and frozen."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from components.baselines.settings import BaselineSettings
from components.evaluator.settings import GateSettings
from components.example_gen.settings import DataSettings
from components.infra_validator.settings import InfraSettings
from components.report.settings import ReportSettings
from components.trainer.settings import TrainerSettings
from components.transform.settings import FeatureSettings
from pipeline.beam_settings import BeamSettings
from pipeline.deploy_settings import DeploySettings
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
    infra: InfraSettings = InfraSettings()
    gate: GateSettings = GateSettings()
    baselines: BaselineSettings = BaselineSettings()
    report: ReportSettings = ReportSettings()
    serving: ServingSettings = ServingSettings()
    beam: BeamSettings = BeamSettings()
    deploy: DeploySettings = DeploySettings()


class _YamlLoader(yaml.SafeLoader):
    """Reads 1e-3 as a number; by YAML 1.1, which PyYAML follows, it is text."""


_YamlLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def profile_names() -> list[str]:
    """Returns the names of the profiles that come with the project."""
    folder = resources.files("pipeline") / "profiles"
    return sorted(
        Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load_config(profile: str, overrides: Sequence[str] = ()) -> Config:
    """Reads a profile and applies overrides.

    Args:
        profile: The name of a profile that comes with the project, or the path of a YAML file.
        overrides: `section.key=value` each; the value is read as YAML.

    Raises:
        UsageError: An unknown profile, key or type; the message names it.
    """
    tree = _read_profile(profile)
    for override in overrides:
        _apply_override(tree, override)
    try:
        return Config.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        raise UsageError(
            f"The configuration (profile {profile}) is not valid:\n{explain(error, Config)}"
        ) from error


def _read_profile(profile: str) -> dict[str, Any]:
    path = Path(profile)
    if profile in profile_names():
        text = (resources.files("pipeline") / "profiles" / f"{profile}.yaml").read_text("utf-8")
    elif path.suffix in {".yaml", ".yml"}:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"Can't read the profile {profile}: {error}.") from error
    else:
        raise UsageError(
            f"There is no profile {profile!r}. Choose one of {', '.join(profile_names())}, "
            "or give the path of a .yaml file."
        )
    try:
        tree = yaml.load(text, _YamlLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"The profile {profile} is not valid YAML: {error}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UsageError(
            f"The profile {profile} must consist of sections such as `trainer:`, each a mapping."
        )
    return tree


def _apply_override(tree: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise UsageError(
            f"The setting {override!r} must read section.key=value, such as trainer.epochs=5."
        )
    try:
        value = yaml.load(text, _YamlLoader)
    except yaml.YAMLError as error:
        raise UsageError(
            f"The setting {override!r}: the value is not valid YAML: {error}"
        ) from error
    for key in keys[:-1]:
        branch = tree.setdefault(key, {})
        if not isinstance(branch, dict):
            raise UsageError(f"The setting {override!r}: {key!r} is a setting, not a section.")
        tree = branch
    tree[keys[-1]] = value
