"""Spans of a growing archive: which of them a run reads, and from which files.

`{SPAN}` in a pattern stands for a number that grows, such as the month, and `{YYYY}`, `{MM}` and
`{DD}` together for a day, whose number is that of the days since 1970. `{VERSION}` beside them
stands for the version of a span, of which the latest is read. `{SPAN:2}` and `{VERSION:2}` have two
digits, zero-padded. All this is as in TFX, which reads the latest span alone; here a window of the
latest ones is read together, so that repeats, split and vocabulary are those of the window.
"""

from __future__ import annotations

import datetime
import glob
import itertools
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from schema.errors import BadInputError

if TYPE_CHECKING:
    from components.example_gen.settings import DataSettings

Finder = Callable[[str], Sequence[str]]
"""Lists the files that match a glob, local or remote."""

_SPEC: Final = re.compile(r"\{(SPAN|VERSION)(?::([1-9]\d*))?\}|\{(YYYY|MM|DD)\}")
_ANY_SPEC: Final = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)\b[^}]*\}")
_ESCAPED_SPEC: Final = re.compile(r"\\\{(SPAN|VERSION|YYYY|MM|DD)(?::\d+)?\\\}")
_DATE: Final = ["DD", "MM", "YYYY"]
_EPOCH: Final = datetime.date(1970, 1, 1)
_MONTHS: Final = range(1900_01, 2200_00)


@dataclass(frozen=True)
class Window:
    """The spans that are read together.

    Attributes:
        spans: Their numbers, ascending.
        paths: Their files, those of older spans first, then by name: of repeats the oldest stays.
        available: How many spans there are in all, up to the last of these.
        names: What a person calls the spans.
        last: The pattern of the last span's files.
        version: Its version; None where the pattern has no `{VERSION}`.
    """

    spans: tuple[int, ...]
    paths: list[str]
    available: int
    names: tuple[str, ...]
    last: str
    version: int | None

    def describe(self, asked: int) -> str:
        """Says what is read.

        Args:
            asked: The number of spans asked for; 0 asked for all.
        """
        first, last, count = self.names[0], self.names[-1], len(self.spans)
        read = f"span {last}" if count == 1 else f"spans {first} to {last}"
        files = "1 file" if len(self.paths) == 1 else f"{len(self.paths)} files"
        message = f"{read}, {count} of {self.available} ({files})"
        if count < asked:
            return f"{message}; data.spans asks for {asked}, but there are no more"
        return message


def has_span(pattern: str) -> bool:
    """Tells whether a path or pattern names a span."""
    return bool(_ANY_SPEC.search(pattern))


def split_path(path: str) -> tuple[str, str]:
    """Splits a path into the folder and the pattern that ExampleGen takes.

    Args:
        path: The path of a file, or one with a span in it; wildcards in that must stand below the
            folder above the span.
    """
    spec = _ANY_SPEC.search(path)
    start = spec.start() if spec else len(path)
    folder, _, rest = path[:start].rpartition("/")
    pattern = rest + path[start:] if spec else glob.escape(rest)
    return folder or ("/" if path.startswith("/") else "."), pattern


def find_window(
    base: str,
    pattern: str,
    settings: DataSettings,
    find: Finder,
    resolved: str | None = None,
) -> Window:
    """Finds the files of the latest spans.

    Args:
        base: The folder of the archive.
        pattern: The files in it: one span, and wildcards as in TFX.
        settings: How many spans are read together, and whether numbers may be missing between them.
        find: What lists files.
        resolved: The pattern with a span and version in it, as TFX's driver makes it: later ones
            are left out. None includes the latest.

    Raises:
        BadInputError: The pattern is wrong, no file matches it, a name has something else where
            the number should be, or a span is missing between two others.
    """
    where = posixpath.join(base, pattern)
    named = sorted(_ANY_SPEC.findall(where))
    span = [name for name in named if name != "VERSION"]
    if (
        span not in (["SPAN"], _DATE)
        or named.count("VERSION") > 1
        or len(_SPEC.findall(where)) != len(named)
    ):
        raise BadInputError(
            f"{where}: needs one {{SPAN}}, or {{SPAN:2}} for two digits, or one each of {{YYYY}}, "
            "{MM} and {DD}. A {VERSION} may stand beside them"
        )
    until = None if resolved is None else _key_of(_match(pattern, resolved), where)
    found: dict[int, tuple[int, Mapping[str, str]]] = {}
    for path in sorted(find(posixpath.join(glob.escape(base), _SPEC.sub("*", pattern)))):
        # A finder may write the folder differently, so the parts are counted from the end.
        tail = "/".join(path.split("/")[-len(pattern.split("/")) :])
        if (tokens := _match(pattern, tail)) is None:
            continue
        _check_tokens(tokens, pattern, path, where)
        number, version = key = _key_of(tokens, path)
        is_early = until is None or key <= until
        if is_early and (number not in found or version > found[number][0]):
            found[number] = version, tokens
    if not found:
        raise BadInputError(
            f"no span found: no file matches {where} with numbers for what is in braces. Check "
            "the path"
        )
    by_day = span == _DATE
    # [-0:] is the whole list.
    chosen = sorted(found)[-settings.spans :]
    for earlier, later in itertools.pairwise(chosen):
        following = _following(earlier)
        if later != following and not settings.allow_span_gaps:
            missing, before, after = (_name(each, by_day) for each in (following, earlier, later))
            raise BadInputError(
                f"{where}: span {missing} is missing between {before} and {after}. Add it, "
                "read fewer spans (data.spans), or set data.allow_span_gaps to true"
            )
    filled = [_fill(pattern, found[number][1]) for number in chosen]
    globs = [posixpath.join(glob.escape(base), each) for each in filled]
    return Window(
        tuple(chosen),
        [path for each in globs for path in sorted(find(each))],
        len(found),
        tuple(_name(number, by_day) for number in chosen),
        filled[-1],
        found[chosen[-1]][0] if "VERSION" in named else None,
    )


def _match(pattern: str, text: str) -> Mapping[str, str] | None:
    """Finds what stands in a text where the pattern has its specs; None if nothing does."""
    # A part without specs is what the finder matched.
    parts = [
        _ESCAPED_SPEC.sub(_group, re.escape(part)) if _SPEC.search(part) else "[^/]*"
        for part in pattern.split("/")
    ]
    expression = "/".join(parts).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    matched = re.fullmatch(expression, text)
    return None if matched is None else matched.groupdict()


def _group(spec: re.Match[str]) -> str:
    name = spec[1]
    # The digits of a date may stand next to each other.
    # What the driver resolved still has its wildcards, which are no part of a number.
    return f"(?P<{name}>[^/]{{{len(name)}}})" if name in _DATE else f"(?P<{name}>[^/*?]*)"


def _fill(pattern: str, tokens: Mapping[str, str]) -> str:
    return _SPEC.sub(lambda spec: tokens[spec[1] or spec[3]], pattern)


def _check_tokens(tokens: Mapping[str, str], pattern: str, path: str, where: str) -> None:
    """Refuses what is no number, or not written as TFX writes it."""
    widths = {spec[1]: int(spec[2] or 0) for spec in _SPEC.finditer(pattern) if spec[1]}
    for name, token in tokens.items():
        if not re.fullmatch("[0-9]+", token):
            raise BadInputError(
                f"{path} matches {where}, but {token!r} is not a number. Move it away, or make "
                "the pattern narrower"
            )
        width = widths.get(name, len(name))
        if token != str(int(token)).zfill(width) or (width and len(token) > width):
            raise BadInputError(
                f"{path}: the number {token!r} is not written as in {where}: {{{name}}} has no "
                f"leading zeros, {{{name}:2}} has two digits"
            )


def _key_of(tokens: Mapping[str, str] | None, path: str) -> tuple[int, int]:
    """Returns the numbers of span and version."""
    numbers = {name: int(token) for name, token in (tokens or {}).items()}
    version = numbers.get("VERSION", -1)
    if "SPAN" in numbers:
        return numbers["SPAN"], version
    try:
        day = datetime.date(numbers["YYYY"], numbers["MM"], numbers["DD"])
    except ValueError as error:
        raise BadInputError(f"{path}: there is no such day ({error}). Rename it") from error
    return (day - _EPOCH).days, version


def _name(span: int, by_day: bool) -> str:
    return str(_EPOCH + datetime.timedelta(span)) if by_day else str(span)


def _following(span: int) -> int:
    """Returns the number that follows; for a month, such as 202412, by the calendar."""
    return span + 100 - 11 if span in _MONTHS and span % 100 == 12 else span + 1
