"""A digest of a component's source: TFX's cache can't see code that is given by import path."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from components.file_digest import digest_files

# The packages of this project; every other import is third-party.
_ROOMS: Final = ("schema", "serving", "components", "pipeline")
_PROJECT: Final = Path(__file__).resolve().parents[1]

# Files other than Python that count as source if they are in the component's folder.
_DATA_SUFFIXES: Final = frozenset(
    {".css", ".j2", ".json", ".pbtxt", ".toml", ".txt", ".yaml", ".yml"}
)

# A string of this form may be an import path that TFX or TFMA resolves later.
_DOTTED_NAME: Final = re.compile(rf"(?:{'|'.join(_ROOMS)})(?:\.[A-Za-z_]\w*)+")


def source_digest(module: str, root: Path | None = None) -> str:
    """Returns the sha256 of all source that a module's behaviour depends on.

    That is every Python and data file in the module's package folder, and every module of this
    project that they import: absolutely, relatively, inside functions, or by a string that is an
    import path as a whole. The files are only read. Comments and white space count; the location
    of the checkout and the files' times do not.

    Args:
        module: Import path, as in `components.trainer` or `components.trainer.run_fn`.
        root: Folder of the packages; by default the one this file was installed in.

    Returns:
        64 hexadecimal digits.

    Raises:
        ModuleNotFoundError: There is no such module.
        SyntaxError: A source file can't be parsed.
    """
    root = root or _PROJECT
    return _digest(source_files(module, root), root)


def own_source_digest(function: str | None) -> str:
    """Returns the digest of a profile's own function, by its import path; empty for None.

    It is of the function's module and what that imports: of this project, and of the modules in
    the same folder, or in the same package if it is an installed one.
    """
    if function is None:
        return ""
    module = function.rpartition(".")[0]
    file = Path(str(import_module(module).__file__))
    root = file.parents[module.count(".") + (file.name == "__init__.py")]
    installed = root.name in ("site-packages", "dist-packages")
    beside = [module.partition(".")[0]] if installed else [each.stem for each in root.iterdir()]
    roots = {**dict.fromkeys(beside, root), **dict.fromkeys(_ROOMS, _PROJECT)}
    files = _follow([file, *_parent_packages(file, root)], roots)
    own = {path for path in files if path.is_relative_to(root)}
    return _digest(own, root) + _digest(files - own, _PROJECT)


def source_files(module: str, root: Path) -> set[Path]:
    """Returns the files that `source_digest` covers, and raises what it raises."""
    roots = dict.fromkeys(_ROOMS, root)
    start = _find_module(module, roots)
    if start is None:
        raise ModuleNotFoundError(f"No module {module!r} in {root}", name=module)
    own = [path for path in start.parent.rglob("*") if path.is_file()]
    data = {path for path in own if path.suffix in _DATA_SUFFIXES}
    sources = [path for path in own if path.suffix == ".py"]
    return data | _follow([*sources, *_parent_packages(start, root)], roots)


def _follow(waiting: list[Path], roots: Mapping[str, Path]) -> set[Path]:
    """Returns source files and all that they import of the packages in `roots`."""
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        root = next(root for root in roots.values() if path.is_relative_to(root))
        for name in _imported_names(path.read_bytes(), path.relative_to(root).parts[:-1]):
            target = _find_module(name, roots)
            if target is not None:
                waiting.append(target)
                waiting.extend(_parent_packages(target, roots[name.partition(".")[0]]))
    return found


def _digest(files: set[Path], root: Path) -> str:
    names = sorted(path.relative_to(root).as_posix() for path in files)
    return digest_files(names, lambda name: (root / name).open("rb"))


def _find_module(name: str, roots: Mapping[str, Path]) -> Path | None:
    """Returns a module's file by its import path; None where none of the packages has it."""
    parts = name.split(".")
    if parts[0] not in roots:
        return None
    path = roots[parts[0]].joinpath(*parts)
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


@functools.cache
def _imported_names(source: bytes, package: tuple[str, ...]) -> frozenset[str]:
    """Returns each import path that a file in a package may load; not all of them are modules."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Level 1 is the file's own package, each further level one folder up.
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base.extend(node.module.split(".") if node.module else [])
            names.add(".".join(base))
            names.update(".".join([*base, alias.name]) for alias in node.names)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _DOTTED_NAME.fullmatch(node.value)
        ):
            # The last part may be the name of a function in the module.
            names.update((node.value, node.value.rpartition(".")[0]))
    return frozenset(names)
