"""The driver of ExampleGen: TFX's, with every file of the window in the cache's key."""

from __future__ import annotations

from typing import Any, Final

from tfx.components.example_gen.driver import FileBasedDriver
from tfx.dsl.io import fileio
from tfx.orchestration import data_types
from tfx.types import standard_component_specs

from components.example_gen.settings import DataSettings
from components.example_gen.spans import Window, find_window, has_span
from components.file_digest import digest_files

DATA_SETTINGS_KEY: Final = "data_settings"
PATTERN_KEY: Final = "pattern"
WINDOW_KEY: Final = "window"


class SpanDriver(FileBasedDriver):
    """TFX's driver, which knows the latest span only, and beside it the spans before that one.

    It runs where TFX's launcher does, as in a local run. Vertex AI runs a command instead,
    `pipeline.cloud.container_driver`, which adds the same property.
    """

    def resolve_exec_properties(
        self,
        exec_properties: dict[str, Any],
        pipeline_info: data_types.PipelineInfo,
        component_info: data_types.ComponentInfo,
    ) -> dict[str, Any]:
        """Resolves the latest span, and adds what stands for the window.

        Args:
            exec_properties: Those of `CsvExampleGenSpec`.
            pipeline_info: As TFX makes it.
            component_info: As TFX makes it.

        Returns:
            The properties with TFX's additions, and `window`: the spans and a digest of the names
            and contents of their files; empty where the pattern has no `{SPAN}`.

        Raises:
            BadInputError: As `find_window` raises it.
        """
        # First, since TFX's own words for what is wrong with a span are hard to read.
        window = read_window(exec_properties, exec_properties[PATTERN_KEY])
        properties: dict[str, Any] = super().resolve_exec_properties(
            exec_properties, pipeline_info, component_info
        )
        properties[WINDOW_KEY] = describe_window(window) if window else ""
        return properties


def read_window(exec_properties: dict[str, Any], resolved: str) -> Window | None:
    """Finds the window that the properties ask for; None where the pattern has no `{SPAN}`.

    Args:
        exec_properties: Those of `CsvExampleGenSpec`.
        resolved: The pattern with the number of the window's last span in it; or as it was,
            where that is the latest.

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
        settings.spans,
        fileio.glob,
        allow_gaps=settings.allow_span_gaps,
        resolved=None if resolved == pattern else resolved,
    )


def describe_window(window: Window) -> str:
    """Returns what stands for a window in the cache's key: its spans, and a digest of its files."""
    digest = digest_files(window.paths, lambda path: fileio.open(path, "rb"))
    return f"{', '.join(map(str, window.spans))}: {digest}"
