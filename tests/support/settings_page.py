"""Writes docs/settings.md from the docstrings of the settings: `make docs`."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import annotated_types
import docstring_parser
from pydantic.fields import FieldInfo

from pipeline.config import Config, load_config, profile_names
from schema.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

_INTRODUCTION = """# Settings

Every setting of a run, section by section. A profile is a YAML file with these sections: one of
those in `pipeline/profiles/`, or your own, passed with `--profile mine.yaml`. To change a single
setting, use `--set section.name=value`; a setting that is text takes what is typed.

A profile extends the profile `default`: what it leaves out is as there. `extends: NAME_OR_PATH`
names another one (a path is relative to the file). With `extends: null` it stands alone, and what
it leaves out keeps the default of the tables below. Sections are merged; a setting replaces the
one before, also where it is a list or a mapping.
`arxiv-tagger run --profile NAME --dry-run` shows what a run would use, and where it is set.

An empty cell in a profile's column means that the profile keeps the default. This page is generated
from the docstrings of the settings classes by `make docs`.
"""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_NAMES = {int: "whole number", float: "number", bool: "true or false", str: "text", Any: "values"}


def settings_page() -> str:
    """Returns the page as Markdown."""
    profiles = {name: json.loads(load_config(name).model_dump_json()) for name in profile_names()}
    parts = [_INTRODUCTION]
    for section, field in Config.model_fields.items():
        parts.append(_section(section, field.annotation, profiles))
    return "\n".join(parts)


def _section(section: str, settings: Any, profiles: Mapping[str, Any]) -> str:
    rows = list(_rows(settings, (section,)))
    chosen = {name: {path: _at(tree, path) for path, *_ in rows} for name, tree in profiles.items()}
    shown = [
        name
        for name, values in chosen.items()
        if any(values[path] != default for path, _, _, default in rows)
    ]
    summary = " ".join((settings.__doc__ or "").split("\n\n")[0].split())
    lines = [f"## {section}", "", summary, ""]
    header = ["setting", "meaning", "values", "default", *shown]
    lines += [_row(header), _row(["---"] * len(header))]
    for path, meaning, values, default in rows:
        changes = [
            "" if chosen[name][path] == default else f"`{_value(chosen[name][path])}`"
            for name in shown
        ]
        name = ".".join(path[1:])
        lines.append(_row([f"`{name}`", meaning, values, f"`{_value(default)}`", *changes]))
    return "\n".join([*lines, ""])


def _rows(settings: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str, Any]]:
    """Yields path, meaning, values and default of each setting."""
    parents = [base for base in settings.__mro__ if issubclass(base, Settings)]
    meanings = {
        param.arg_name: " ".join((param.description or "").split())
        for base in reversed(parents)
        for param in docstring_parser.parse(
            base.__doc__ or "", docstring_parser.DocstringStyle.GOOGLE
        ).params
    }
    defaults = json.loads(settings.model_construct().model_dump_json())
    for name, field in settings.model_fields.items():
        where = (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            yield from _rows(field.annotation, where)
        else:
            # A setting without an entry is a mistake in its docstring.
            yield where, meanings[name], _values(field), defaults[name]


def _values(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(mark, attribute):g}"
        for mark in field.metadata
        for attribute, sign in _BOUNDS.items()
        if isinstance(mark, annotated_types.BaseMetadata) and hasattr(mark, attribute)
    ]
    return ", ".join([_type(field.annotation), *bounds])


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" if value else "empty" for value in arguments)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if kind is type(None) else _type(kind) for kind in arguments)
    if origin is tuple:
        kind = _type(arguments[0])
        return f"list of {kind}s" if kind.endswith("number") else f"list of {kind}"
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "mapping"
    if origin is dict:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    return _NAMES[annotation]


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value or '""'
    return json.dumps(value, ensure_ascii=False)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
