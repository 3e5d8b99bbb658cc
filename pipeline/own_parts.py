"""Finds a profile's own functions, and checks them before anything runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from components.own_parts import PARAMETERS, load_function
from pipeline.config import Config
from pipeline.settings_tree import SettingsTree
from schema.errors import UsageError


def check_own_parts(config: Config, settings: SettingsTree) -> None:
    """Imports the functions that a profile names, and checks what they take.

    Their modules may be in the folder of the profile that names them (of `--set`: in the current
    one), which stays in Python's search path, here and in processes that are started later.

    Raises:
        UsageError: There is no such function, or it takes something else.
    """
    for name in PARAMETERS:
        section, key = name.split(".")
        function = getattr(getattr(config, section), key)
        if function is None:
            continue
        origin = settings.origin((section, key))
        folder = Path(origin.source).parent if origin and origin.line else Path()
        if str(folder.absolute()) not in sys.path:
            sys.path.append(str(folder.absolute()))
            # Of Beam's worker processes.
            given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*given, sys.path[-1]]))
        try:
            load_function(name, function)
        except UsageError as error:
            raise UsageError(f"{error}{settings.place((section, key))}.") from error
