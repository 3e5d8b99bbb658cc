"""The words of the sample: topics, sentences, labels and noise, read from the YAML files here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

LabelSet = tuple[str, ...]
Topic = dict[str, list[str]]

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Words:
    """Everything that the sample is made of.

    Attributes:
        topics: By name, each with lists of phrases under `subjects`, `aims`, `methods`,
            `materials`, `measures` and `obstacles`.
        kinds: The kinds of papers by name, each with templates of its `titles` and the `steps` of
            its abstract: by name, sentences to choose from. An empty one leaves the step out.
        method_names: Beginnings, middles and ends of invented names.
        topics_of_label: The topics whose words the papers of a label use.
        common_sets: The label sets of several papers each, most frequent first.
        noise: Lists of untidy sentences and endings by name.
    """

    topics: dict[str, Topic]
    kinds: dict[str, Any]
    method_names: dict[str, list[str]]
    topics_of_label: dict[str, list[str]]
    common_sets: list[LabelSet]
    noise: dict[str, list[str]]

    def neighbours(self, label: str) -> list[str]:
        """Returns the other topics that share a common label set with a label.

        A topic stands in the list as often as it shares one, so that a choice among them
        follows how often they meet.
        """
        own = self.topics_of_label[label]
        return [
            topic
            for labels in self.common_sets
            if label in labels
            for other in labels
            for topic in self.topics_of_label[other]
            if topic not in own
        ]


@cache
def load_words() -> Words:
    """Reads the YAML files beside this module, once."""
    sentences, labels = _load("sentences"), _load("labels")
    return Words(
        topics=_load("topics"),
        kinds=sentences["kinds"],
        method_names=sentences["method_names"],
        topics_of_label=labels["topics_of_label"],
        common_sets=[tuple(each) for each in labels["common_sets"]],
        noise=_load("noise"),
    )


def _load(name: str) -> Any:
    return yaml.safe_load((_FOLDER / f"{name}.yaml").read_text("utf-8"))
