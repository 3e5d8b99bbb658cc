"""Settings that are not validated yet, and where each was set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from schema.settings import Settings

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value was set: in a line of a profile, or on the command line (line 0)."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        """Names the line too, if there is one."""
        return f"{self.source}, line {self.line}" if self.line else self.source


@dataclass
class SettingsTree:
    """Sections as YAML has them.

    Attributes:
        values: The sections.
        origins: Where each key was set, by its path.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, Origin] = field(default_factory=dict)

    def origin(self, path: Path) -> Origin | None:
        """Returns where a setting was set, by itself or with what it is a part of."""
        above = (path[:length] for length in range(len(path), 0, -1))
        return next((self.origins[at] for at in above if at in self.origins), None)

    def place(self, path: Path) -> str:
        """Returns the line of a setting in parentheses; nothing for the command line."""
        origin = self.origin(path)
        return f" ({origin})" if origin and origin.line else ""

    def put(self, path: Path, value: Any, origins: Mapping[Path, Origin]) -> None:
        """Replaces a value, and forgets where what it replaces was set."""
        branch, made = self.values, {}
        for depth, key in enumerate(path[:-1], start=1):
            if not isinstance(branch.get(key), dict):
                branch[key] = {}
                made[path[:depth]] = origins[path]
            branch = branch[key]
        branch[path[-1]] = value
        kept = {at: origin for at, origin in self.origins.items() if at[: len(path)] != path}
        new = {at: each for at, each in origins.items() if at[: len(path)] == path}
        self.origins = kept | made | new

    def overlay(self, other: SettingsTree, kind: Any) -> None:
        """Puts other settings over these: sections are merged, all else is replaced."""
        self._overlay(other, other.values, kind, ())

    def _overlay(self, other: SettingsTree, values: dict[str, Any], kind: Any, path: Path) -> None:
        for key, value in values.items():
            here, inner = (*path, key), type_of(kind, key)
            if isinstance(value, dict) and is_section(inner):
                self._overlay(other, value, inner, here)
            else:
                self.put(here, value, other.origins)


def members(kind: Any) -> list[Any]:
    """Returns the types of a union, or the one type, without what Annotated says of it."""
    if get_origin(kind) is Annotated:
        return members(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [member for each in get_args(kind) for member in members(each)]
    return [kind]


def type_of(kind: Any, key: str) -> Any:
    """Returns the type of what stands under a key, or in a list; None where it is unknown."""
    for member in members(kind):
        if is_section(member):
            return member.model_fields[key].annotation if key in member.model_fields else None
        if get_origin(member) in (dict, tuple):
            return get_args(member)[1 if get_origin(member) is dict else 0]
    return None


def is_section(kind: Any) -> bool:
    """Tells whether a type is a section, rather than a setting."""
    return isinstance(kind, type) and issubclass(kind, Settings)
