"""A digest of a component's source, since TFX's cache can't see code given by import path."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# The rooms of this project; every other import is a third party's.
_ROOMS: Final = ("schema", "serving", "components", "pipeline")

# Files other than Python's that count as source where they lie in the component's folder.
_DATA_SUFFIXES: Final = frozenset(
    {".css", ".j2", ".json", ".pbtxt", ".toml", ".txt", ".yaml", ".yml"}
)

# A string of this form may be an import path that TFX or TFMA resolves later.
_DOTTED_NAME: Final = re.compile(rf"(?:{'|'.join(_ROOMS)})(?:\.[A-Za-z_]\w*)+")


def source_digest(module: str, root: Path | None = None) -> str:
    """Returns the sha256 of all source that a module's behaviour rests on.

    That is every Python and data file in the module's package folder, and every module of
    this project that they reach by imports: absolute, relative, inside functions, and by a
    string that is an import path as a whole. Nothing is imported, only read. Comments and
    white space count; the place of the checkout and the files' times do not.

    Args:
        module: Import path, as in `components.trainer` or `components.trainer.run_fn`.
        root: Folder that holds the rooms; by default the one this file was installed in.

    Returns:
        64 hexadecimal digits.

    Raises:
        ModuleNotFoundError: There is no such module.
        SyntaxError: A source file can't be parsed.
    """
    root = root or Path(__file__).resolve().parents[1]
    files = source_files(module, root)
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files):
        content = hashlib.sha256(path.read_bytes()).digest()
        # Both digests have a fixed length, so no two trees give the same bytes.
        digest.update(hashlib.sha256(name.encode()).digest() + content)
    return digest.hexdigest()


def source_files(module: str, root: Path) -> set[Path]:
    """Returns the files that `source_digest` covers.

    Raises:
        ModuleNotFoundError: There is no such module.
        SyntaxError: A source file can't be parsed.
    """
    start = _find_module(module, root)
    if start is None:
        raise ModuleNotFoundError(f"No module {module!r} in {root}", name=module)
    folder = start.parent
    own = [path for path in folder.rglob("*") if path.is_file()]
    found = {path for path in own if path.suffix in _DATA_SUFFIXES}
    waiting = [path for path in own if path.suffix == ".py"]
    waiting.extend(_parent_packages(start, root))
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for name in _imported_names(path, root):
            target = _find_module(name, root)
            if target is not None:
                waiting.append(target)
                waiting.extend(_parent_packages(target, root))
    return found


def _find_module(name: str, root: Path) -> Path | None:
    """Returns a first-party module's file by its import path; None where there is none."""
    parts = name.split(".")
    if parts[0] not in _ROOMS:
        return None
    path = root.joinpath(*parts)
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _parent_packages(path: Path, root: Path) -> Iterator[Path]:
    """Yields the `__init__.py` files that Python runs before a module."""
    for folder in path.relative_to(root).parents:
        init = root / folder / "__init__.py"
        if folder != Path() and init.is_file():
            yield init


def _imported_names(path: Path, root: Path) -> Iterator[str]:
    """Yields each import path that a file may load; what is no module is sorted out later."""
    relative = path.relative_to(root)
    for node in ast.walk(ast.parse(path.read_bytes(), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Level 1 is the file's own package, each further level one folder up.
            base = list(relative.parts[: -node.level]) if node.level else []
            base.extend(node.module.split(".") if node.module else [])
            yield ".".join(base)
            yield from (".".join([*base, alias.name]) for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _DOTTED_NAME.fullmatch(node.value)
        ):
            yield node.value
            # The last part may be the name of a function in the module.
            yield node.value.rpartition(".")[0]
