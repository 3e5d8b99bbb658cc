"""Stand-ins for what a run returns, so that telling of it needs no TFX."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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


@dataclass
class FakeResult:
    """What became of a node; looks like `pipeline.local.runner.NodeResult`."""

    node_id: str
    outputs: dict[str, list[FakeArtifact]] = field(default_factory=dict)
    seconds: float = 1.0
    cached: bool = False

    def artifact(self, key: str) -> FakeArtifact:
        """The one artifact of an output."""
        (artifact,) = self.outputs[key]
        return artifact


def result(node_id: str, key: str, folder: Path | str = "", **properties: Any) -> FakeResult:
    """A node with one output artifact."""
    return FakeResult(node_id, {key: [FakeArtifact(str(folder), 7, properties)]})
