"""Finds the functions of a profile's own, and checks them before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.config import Config
from pipeline.settings_tree import SettingsTree
from schema.errors import UsageError


def check_own_parts(config: Config, settings: SettingsTree) -> None:
    """Imports the profile's own functions, if it names any, and checks how they can be called.

    Their modules are looked for in the folder of the profile that names them (of `--set`: in the
    current one) and, as ever, in `sys.path`.

    Args:
        config: The whole configuration.
        settings: Where its settings were set.

    Raises:
        UsageError: There is no such function, or it takes other arguments.
    """
    features, trainer = config.features.preprocessing_fn, config.trainer.build_model
    if features is not None:
        from components.transform.preprocessing import OWN_PARAMETERS as OF_PREPROCESSING

        _check(("features", "preprocessing_fn"), features, OF_PREPROCESSING, settings)
    if trainer is not None:
        from components.trainer.network import OWN_PARAMETERS as OF_BUILDING

        _check(("trainer", "build_model"), trainer, OF_BUILDING, settings)


def _check(
    path: tuple[str, ...], function: str, parameters: tuple[str, ...], settings: SettingsTree
) -> None:
    from components.own_parts import load_function

    origin = settings.origin(path)
    folder = Path(origin.source).parent if origin and origin.line else Path()
    if str(folder.absolute()) not in sys.path:
        sys.path.append(str(folder.absolute()))
    try:
        load_function(function, ".".join(path), *parameters)
    except UsageError as error:
        raise UsageError(f"{error}{settings.place(path)}.") from error
