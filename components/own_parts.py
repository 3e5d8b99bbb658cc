"""A profile's own functions, by their import paths."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

from schema.errors import UsageError


def load_function(path: str, setting: str, *parameters: str) -> Callable[..., Any]:
    """Imports a function that a setting names.

    Args:
        path: Its import path, such as `package.module.function`.
        setting: The setting, for messages.
        parameters: What it is called with, by position.

    Raises:
        UsageError: There is no such function, or it can't be called so.
    """
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise UsageError(f"{setting}: {path!r} is not an import path such as package.module.{name}")
    try:
        module = import_module(module_name)
    except Exception as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise UsageError(
                f"{setting}: there is no module {missing!r}. It must be in the folder of the "
                "profile, in a folder of PYTHONPATH, or installed"
            ) from error
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UsageError(
            f"{setting}: importing {module_name} fails in {last.filename}, line {last.lineno}: "
            f"{type(error).__name__}: {error}"
        ) from error
    where = getattr(sys.modules[module_name], "__file__", None) or module_name
    function = getattr(module, name, None)
    if not callable(function):
        fault = "is not callable" if hasattr(module, name) else "does not exist"
        raise UsageError(f"{setting}: {name!r} in {where} {fault}; give the path of a function")
    try:
        inspect.signature(function).bind(*parameters)
    except TypeError as error:
        raise UsageError(
            f"{setting}: {name} in {where} takes {inspect.signature(function)}, but must take "
            f"({', '.join(parameters)})"
        ) from error
    made: Callable[..., Any] = function
    return made
