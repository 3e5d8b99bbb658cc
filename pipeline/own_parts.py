"""Finds a profile's own functions, and checks them before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

from components.own_parts import PARAMETERS, load_function
from pipeline.config import Config
from pipeline.settings_tree import SettingsTree
from schema.errors import UsageError


def check_own_parts(config: Config, settings: SettingsTree) -> None:
    """Imports the functions that a profile names, and checks what they take.

    Their modules may be in the folder of the profile that names them (of `--set`: in the current
    one), which stays in Python's search path.

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
        try:
            load_function(name, function)
        except UsageError as error:
            raise UsageError(f"{error}{settings.place((section, key))}.") from error
