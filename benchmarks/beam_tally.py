"""Weighs what passes between the stages of a Beam pipeline, as their coders encode it.

It looks into Beam's local runner, where each shuffle and each other break between stages is a
buffer of encoded elements. Beam runs the combiners before a shuffle, as clusters do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from apache_beam.runners.portability.fn_api_runner import execution


@dataclass
class Passage:
    """What passed between two stages.

    Attributes:
        name: The transform: a shuffle's own, else the one that the elements come from.
        shuffle: Whether elements are grouped by key.
        bytes: Their encoded size.
        elements: How many there are; 0 where only their bytes are known.
        keys: How many different keys they have.
        largest: Elements of the key that has most.
    """

    name: str
    shuffle: bool
    bytes: int = 0
    elements: int = 0
    keys: int = 0
    largest: int = 0


@contextlib.contextmanager
def tally() -> Iterator[list[Passage]]:
    """Weighs every pipeline that runs in this process meanwhile."""
    passages: dict[int, Passage] = {}
    kept: list[Any] = []
    get_buffer = execution.BundleContextManager.get_buffer
    partition = execution.GroupingBuffer.partition

    def get_buffer_named(self: Any, buffer_id: bytes, transform_id: str) -> Any:
        buffer = get_buffer(self, buffer_id, transform_id)
        if id(buffer) not in passages:
            # As long as it is kept, no other gets its id.
            kept.append(buffer)
            kind, name = execution.split_buffer_id(buffer_id)
            transforms = self.execution_context.pipeline_components.transforms
            passages[id(buffer)] = Passage(_label(transforms, kind, name), kind == "group")
        return buffer

    def weigh(self: Any, data: bytes, append: Any) -> None:
        if id(self) in passages:
            passages[id(self)].bytes += len(data)
        append(self, data)

    def partition_counted(self: Any, count: int) -> Any:
        passage = passages.get(id(self))
        if passage is not None and not self._grouped_output:
            sizes = [len(values) for values in self._table.values()]
            passage.keys, passage.elements = len(sizes), sum(sizes)
            passage.largest = max(sizes, default=0)
        return partition(self, count)

    with contextlib.ExitStack() as stack:
        for owner in (execution.GroupingBuffer, execution.ListBuffer):
            append = owner.append

            def append_weighed(self: Any, data: bytes, append: Any = append) -> None:
                weigh(self, data, append)

            stack.enter_context(mock.patch.object(owner, "append", append_weighed))
        stack.enter_context(
            mock.patch.object(execution.BundleContextManager, "get_buffer", get_buffer_named)
        )
        stack.enter_context(
            mock.patch.object(execution.GroupingBuffer, "partition", partition_counted)
        )
        found: list[Passage] = []
        yield found
        found += [passage for passage in passages.values() if passage.bytes]


def _label(transforms: Any, kind: str, name: str) -> str:
    if kind == "group":
        return str(transforms[name].unique_name)
    sources = [
        each.unique_name
        for each in transforms.values()
        if name in each.outputs.values() and not each.subtransforms
    ]
    return sources[0] if sources else name
