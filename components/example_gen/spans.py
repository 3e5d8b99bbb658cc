"""Spans of a growing archive: which of them a run reads, and from which files.

`{SPAN}` in a pattern stands for a number that grows, such as the month; `{SPAN:2}` for one of two
digits, zero-padded, as in TFX. TFX resolves the latest span alone; here a window of the latest
ones is read together, so that repeats, split and vocabulary are those of the window.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from schema.errors import BadInputError

Finder = Callable[[str], Sequence[str]]
"""Lists the files that match a glob, local or remote."""

_SPEC: Final = re.compile(r"\{SPAN(?::(?P<width>[1-9]\d*))?\}")
_ANY_SPEC: Final = re.compile(r"\{SPAN\b[^}]*\}")
_MONTHS: Final = range(1900_01, 2200_00)


@dataclass(frozen=True)
class Window:
    """The spans that are read together.

    Attributes:
        spans: Their numbers, ascending.
        paths: Their files, those of older spans first, then by name: of repeats the oldest stays.
        available: How many spans there are in all, up to the last of these.
    """

    spans: tuple[int, ...]
    paths: list[str]
    available: int

    def describe(self, asked: int) -> str:
        """Says what is read.

        Args:
            asked: The number of spans asked for; 0 asked for all.
        """
        first, last, count = self.spans[0], self.spans[-1], len(self.spans)
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
    """Splits a path with `{SPAN}` into the folder above it and the pattern below that.

    Args:
        path: The path; wildcards in it must stand below that folder.
    """
    folder, _, rest = path[: path.index("{SPAN")].rpartition("/")
    return folder or ("/" if path.startswith("/") else "."), rest + path[path.index("{SPAN") :]


def find_window(
    base: str,
    pattern: str,
    count: int,
    find: Finder,
    *,
    allow_gaps: bool = False,
    resolved: str | None = None,
) -> Window:
    """Finds the files of the latest spans.

    Args:
        base: The folder of the archive.
        pattern: The files in it: one `{SPAN}`, and wildcards as in TFX.
        count: How many spans are read together at most; 0 reads all.
        find: What lists files.
        allow_gaps: Whether numbers may be missing between them.
        resolved: The pattern with a span's number in it, as TFX's driver makes it: later spans
            are left out. None includes the latest.

    Raises:
        BadInputError: The pattern is wrong, no file matches it, a name has something else where
            the number should be, or a span is missing between two others.
    """
    where = posixpath.join(base, pattern)
    specs = _ANY_SPEC.findall(where)
    if len(specs) != 1 or not _SPEC.fullmatch(specs[0]):
        raise BadInputError(f"{where}: needs one {{SPAN}}, or {{SPAN:2}} for two digits")
    spans = _find_spans(base, pattern, where, find)
    last = None if resolved is None else _number_in(pattern, resolved)
    numbers = sorted(number for number in spans if last is None or number <= last)
    if not numbers:
        raise BadInputError(
            f"no span found: no file matches {where}, where {{SPAN}} stands for a number. Check "
            "the path"
        )
    chosen = numbers[-count:]
    for earlier, later in itertools.pairwise(chosen):
        following = _following(earlier)
        if later != following and not allow_gaps:
            raise BadInputError(
                f"{where}: span {following} is missing between {earlier} and {later}. Add it, "
                "read fewer spans (data.spans), or set data.allow_span_gaps to true"
            )
    globs = [posixpath.join(base, _fill(pattern, spans[number])) for number in chosen]
    paths = [path for each in globs for path in sorted(find(each))]
    return Window(tuple(chosen), paths, len(numbers))


def _fill(pattern: str, token: str) -> str:
    """Replaces `{SPAN}` by a number as it is written, or by a wildcard."""
    return _SPEC.sub(lambda _: token, pattern)


def _find_spans(base: str, pattern: str, where: str, find: Finder) -> dict[int, str]:
    """Finds all spans: each number, and how it is written."""
    parts = pattern.split("/")
    place = next(index for index, part in enumerate(parts) if _SPEC.search(part))
    # A finder may write the folder differently, so the parts are counted from the end.
    from_end = place - len(parts)
    before, width, after = _SPEC.split(parts[place])
    expression = re.compile(f"{_wild(before)}(?P<span>.*){_wild(after)}")
    spans = {}
    for path in sorted(find(posixpath.join(base, _fill(pattern, "*")))):
        found = expression.fullmatch(path.split("/")[from_end])
        if found is None:
            continue
        token = found["span"]
        if not re.fullmatch("[0-9]+", token):
            raise BadInputError(
                f"{path} matches {where}, but {token!r} is not a number. Move it away, or make "
                "the pattern narrower"
            )
        if token != str(int(token)).zfill(int(width or 0)) or (width and len(token) > int(width)):
            raise BadInputError(
                f"{path}: the number {token!r} is not written as in {where}: {{SPAN}} has no "
                "leading zeros, {SPAN:2} has two digits"
            )
        spans[int(token)] = token
    return spans


def _wild(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _number_in(pattern: str, resolved: str) -> int:
    before, _, after = _SPEC.split(pattern)
    # Apart from the number they are the same, wildcards included.
    return int(resolved[len(before) : len(resolved) - len(after)])


def _following(span: int) -> int:
    """Returns the number that follows; for a month, such as 202412, by the calendar."""
    return span + 100 - 11 if span in _MONTHS and span % 100 == 12 else span + 1
