"""Stand-ins for what a run returns, so that telling of it needs no TFX."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.local.results import NodeResult


@dataclass
class FakeArtifact:
    """An artifact: where it lies, and its custom properties."""

    uri: str = ""
    id: int = 0
    properties: dict[str, Any] = field(default_factory=dict)

    def get_int_custom_property(self, name: str) -> int:
        """Zero where there is none, as TFX has it."""
        return self.properties.get(name, 0)

    def get_string_custom_property(self, name: str) -> str:
        """Empty where there is none, as TFX has it."""
        return self.properties.get(name, "")


def bare_result(node_id: str, *, seconds: float = 1.0, cached: bool = False, **outputs: Any):
    """A node with the lists of artifacts given."""
    return NodeResult(node_id, seconds, cached, outputs)


def result(
    node_id: str, key: str, folder: Path | str = "", *, cached: bool = False, **properties: Any
) -> NodeResult:
    """A node with one output artifact."""
    return bare_result(node_id, cached=cached, **{key: [FakeArtifact(str(folder), 7, properties)]})
