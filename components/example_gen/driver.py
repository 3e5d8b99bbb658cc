"""The driver of ExampleGen: TFX's, with every file of the window in the cache's key."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from typing import Any, Final

from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from components.example_gen.settings import DataSettings
from components.example_gen.spans import Window, find_window, has_span
from components.file_digest import digest_files

DATA_SETTINGS_KEY: Final = "data_settings"
PATTERN_KEY: Final = "pattern"
WINDOW_KEY: Final = "window"


class SpanDriver(FileBasedDriver):
    """TFX's driver, which only knows the latest span, made aware of the spans before it.

    It runs where TFX's launcher does, as in a local run. Vertex AI runs a command instead,
    `pipeline.cloud.container_driver`, which adds the same property.
    """

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], *infos: Any, **more_infos: Any
    ) -> dict[str, Any]:
        """Resolves the latest span, and adds the property `window`.

        Args:
            exec_properties: Those of `CsvExampleGenSpec`.
            infos: As TFX makes them, like `more_infos`.

        Returns:
            The properties with TFX's additions, and `window`: the spans and a digest of the names
            and contents of their files; empty where the pattern has no `{SPAN}`.

        Raises:
            BadInputError: As `find_window` raises it.
        """
        window = read_window(exec_properties, exec_properties[PATTERN_KEY])
        if window is not None:
            # Resolved by us: TFX takes the folder for a part of the pattern.
            exec_properties = {
                **exec_properties,
                standard_component_specs.INPUT_CONFIG_KEY: proto_utils.proto_to_json(
                    utils.make_default_input_config(window.last)
                ),
            }
        properties: dict[str, Any] = super().resolve_exec_properties(
            exec_properties, *infos, **more_infos
        )
        properties[WINDOW_KEY] = describe_window(window) if window else ""
        if window is not None:
            properties[utils.SPAN_PROPERTY_NAME] = window.spans[-1]
            properties[utils.VERSION_PROPERTY_NAME] = window.version
        return properties

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> FileBasedInputProcessor:
        """Returns TFX's, for which the folder is no pattern."""
        return FileBasedInputProcessor(glob.escape(input_base_uri or ""), splits, range_config)


def read_window(exec_properties: dict[str, Any], resolved: str) -> Window | None:
    """Finds the window that the properties ask for; None where the pattern has no `{SPAN}`.

    Args:
        exec_properties: Those of `CsvExampleGenSpec`.
        resolved: The pattern with the number of the window's last span in it; or the pattern
            itself, where that is the latest.

    Raises:
        BadInputError: As `find_window` raises it.
    """
    pattern = exec_properties[PATTERN_KEY]
    if not has_span(pattern):
        return None
    settings = DataSettings.model_validate_json(exec_properties[DATA_SETTINGS_KEY])
    return find_window(
        exec_properties[standard_component_specs.INPUT_BASE_KEY],
        pattern,
        settings,
        fileio.glob,
        None if resolved == pattern else resolved,
    )


def describe_window(window: Window) -> str:
    """Returns what a window adds to the cache's key: its spans, and a digest of its files."""
    digest = digest_files(window.paths, lambda path: fileio.open(path, "rb"))
    return f"{', '.join(map(str, window.spans))}: {digest}"
