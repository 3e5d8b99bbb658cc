"""A profile's own functions, by their import paths."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from schema.errors import TaggerError, UsageError

# What each function takes, by the setting that names it.
PARAMETERS: Final = {
    "features.preprocessing_fn": ("inputs", "custom_config"),
    "trainer.build_model": ("feature_spec", "label_count", "settings"),
}


def load_function(setting: str, path: str) -> Callable[..., Any]:
    """Imports the function that a setting names by its path, such as `package.module.function`.

    Raises:
        UsageError: There is no such function, or it takes something else.
    """
    module_name, _, name = path.rpartition(".")
    if path.endswith(".py") or not all(map(str.isidentifier, path.split("."))):
        raise UsageError(f"{setting}: {path!r} must be an import path with dots: module.function")
    try:
        # Without a dot it is the module that is missing.
        module = import_module(module_name or path)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{path}.".startswith(f"{error.name}."):
            raise UsageError(
                f"{setting}: there is no module {error.name!r} for {path!r}. Give the path of a "
                "function, such as package.module.function, whose module is in the profile's "
                "folder, in PYTHONPATH, or installed"
            ) from error
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise UsageError(
            f"{setting}: can't import {path}: {error!r} in {at.filename}, line {at.lineno}"
        ) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"{setting}: {name!r} is no function of {module!r}")
    try:
        inspect.signature(function).bind(*PARAMETERS[setting])
    except TypeError as error:
        raise UsageError(
            f"{setting}: {path} takes {inspect.signature(function)}, but must take "
            f"({', '.join(PARAMETERS[setting])})"
        ) from error
    return function  # type: ignore[no-any-return]


@contextmanager
def blamed_on(setting: str, path: str) -> Iterator[None]:
    """Raises a UsageError, with the place, for what goes wrong in a profile's own function."""
    try:
        yield
    except TaggerError:
        raise
    except Exception as error:
        folder = Path(inspect.getfile(import_module(path.rpartition(".")[0]))).parent
        frames = traceback.extract_tb(error.__traceback__)
        at = ([each for each in frames if Path(each.filename).parent == folder] or frames)[-1]
        place = f"{at.filename}, line {at.lineno}"
        raise UsageError(f"{setting}: {path} fails with {error!r} in {place}") from error
