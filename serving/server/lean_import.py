"""Imports TensorFlow without most of its Python API, which takes most of a server's start."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

# Devices of third parties, which the API finds and loads.
_PLUGINS: Final = "tensorflow-plugins"


def import_lean() -> None:
    """Makes `tensorflow` and `tensorflow.python` packages that import nothing by themselves.

    What lies in them is imported as usual. Only for a process that never says
    `import tensorflow`; it does nothing where that is done already, or TensorFlow has plug-ins.
    """
    if "tensorflow" in sys.modules or importlib.util.find_spec(_PLUGINS):
        return
    spec = PathFinder.find_spec("tensorflow")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent
    for name, path in (("tensorflow", folder), ("tensorflow.python", folder / "python")):
        package = sys.modules[name] = ModuleType(name)
        package.__path__ = [str(path)]
    kernels = folder / "core" / "kernels"
    if kernels.is_dir():
        # Operations in libraries of their own, which the API loads too.
        from tensorflow.python.framework.load_library import load_library

        load_library(str(kernels))
