"""What is watched of texts and of what a model suggests for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schema import names

# Stands for a label where a text has none.
NO_SUGGESTION: Final = "(no suggestion)"

Outputs = Mapping[str, NDArray[Any]]
"""Outputs of `serving_default` by name, a row for each text."""


@dataclass
class Observations:
    """Columns with a value for each text; `label` has one for each suggestion.

    Attributes:
        text_length: Length in bytes.
        known_share: Share of the n-grams that the model knows; none of a model that doesn't say.
        best_score: Score of the best label.
        suggestions: How many labels are suggested, as text.
        label: The suggested labels; NO_SUGGESTION of a text without.
    """

    text_length: list[int] = field(default_factory=list)
    known_share: list[float] = field(default_factory=list)
    best_score: list[float] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.text_length)

    def add(self, texts: Sequence[bytes], outputs: Outputs) -> None:
        """Adds texts and what was answered."""
        self.text_length.extend(map(len, texts))
        if names.OUTPUT_KNOWN_SHARE in outputs:
            self.known_share.extend(outputs[names.OUTPUT_KNOWN_SHARE].astype(np.float64))
        self.best_score.extend(outputs[names.OUTPUT_SCORES][:, 0].astype(np.float64))
        rows = zip(outputs[names.OUTPUT_LABELS], outputs[names.OUTPUT_SUGGESTED], strict=True)
        for labels, suggested in rows:
            chosen = [label.decode("utf-8", "replace") for label in labels[suggested]]
            self.suggestions.append(str(len(chosen)))
            self.label.extend(chosen or [NO_SUGGESTION])
