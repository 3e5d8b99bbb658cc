"""Reads settings from YAML: the type of a setting decides what its value is.

YAML alone would make a column called `no` false, 2020-01-01 a date and 010 an 8.
"""

from __future__ import annotations

import re
from types import NoneType
from typing import Any, Final, Literal, get_origin

import yaml

from pipeline.settings_tree import Origin, Path, SettingsTree, members, type_of
from schema.errors import UsageError

_TAG: Final = "tag:yaml.org,2002:"
_TAGS: Final = {_TAG + name for name in ("map", "seq", "null", "bool", "int", "float", "str")}


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as a number, which YAML 1.1 does not, and no other number than decimal ones."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuses aliases, since one may stand for what it is a part of."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise _fault(event, f"found the alias *{event.anchor}; write out what it stands for")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [each for each in found if each[0] in (_TAG + "null", _TAG + "bool")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _pattern in (
    ("int", r"[-+]?(0|[1-9][0-9_]*)$"),
    ("float", r"[-+]?[0-9][0-9_]*(\.[0-9_]*([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
    ("float", r"[-+]?\.([0-9]+([eE][-+]?[0-9]+)?|inf)$|\.nan$"),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), list("-+.0123456789"))


def read_tree(text: str, kind: type, source: str) -> SettingsTree:
    """Reads the sections of a profile.

    Args:
        text: The YAML.
        kind: The class of the whole configuration.
        source: The profile's name.

    Raises:
        UsageError: It is not valid; the message has the line.
    """
    tree = SettingsTree()
    try:
        node = _compose(text)
        if isinstance(node, yaml.MappingNode):
            tree.values = _value(node, kind, tree.origins, source)
        elif node is not None:
            raise UsageError(
                f"The profile {source} must consist of sections such as `trainer:`, each a mapping."
            )
    except yaml.YAMLError as error:
        raise UsageError(f"The profile {source} is not valid YAML: {explain(error)}.") from error
    return tree


def read_value(text: str, kind: Any) -> Any:
    """Reads a value of the command line. For a text setting it is what was typed.

    Raises:
        yaml.YAMLError: It is not valid.
    """
    kinds = members(kind)
    # Spaces around it don't count, unless there is nothing else.
    typed = text.strip() or text
    quoted = len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "\"'"
    listed = typed[0:1] in ("[", "{") and any(get_origin(each) in (dict, tuple) for each in kinds)
    if not any(map(_is_text, kinds)) or quoted or listed:
        node = _compose(text)
        return None if node is None else _value(node, kind, {}, "")
    return None if typed in ("", "~", "null") and NoneType in kinds else typed


def explain(error: yaml.YAMLError) -> str:
    """Returns what is wrong, with the line where it is known."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    hint = ", a tab: indent with spaces" if "'\\t'" in problem else ""
    return f"line {mark.line + 1}: {problem}{hint}" if mark else problem


def _fault(at: Any, problem: str) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


def _compose(text: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, _Loader)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    return node


def _value(
    node: yaml.Node, kind: Any, origins: dict[Path, Origin], source: str, path: Path = ()
) -> Any:
    """Returns what a node stands for, and notes where each key of it stands."""
    if node.tag not in _TAGS:
        raise _fault(node, f"found the tag {node.tag}; settings are text, numbers and the like")
    if isinstance(node, yaml.SequenceNode):
        return [_value(each, type_of(kind, ""), {}, source) for each in node.value]
    if not isinstance(node, yaml.MappingNode):
        if any(map(_is_text, members(kind))) and node.tag != _TAG + "null":
            return node.value
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (ValueError, KeyError) as error:
            raise _fault(node, f"can't read {node.value!r} as {node.tag[len(_TAG) :]}") from error
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _fault(key, "the name of a setting must be text")
        here = (*path, key.value)
        if key.value in found:
            raise _fault(
                key, f"`{'.'.join(here)}` stands here and in line {origins[here].line}; keep one"
            )
        origins[here] = Origin(source, key.start_mark.line + 1)
        found[key.value] = _value(value, type_of(kind, key.value), origins, source, here)
    return found


def _is_text(kind: Any) -> bool:
    return kind is str or get_origin(kind) is Literal
