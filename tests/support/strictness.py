"""Makes Beam's local runner as unkind as a cluster: shuffled, in many bundles, tried again.

Beam's Python SDK checks types and pickles everything by itself; it does not enforce that elements
stay as they are, and it keeps their order. Both are added here.
"""

from __future__ import annotations

import collections
import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.runners.portability.fn_api_runner import execution

PLAIN = ["--runner=DirectRunner"]
FOUR_WORKERS = ["--direct_running_mode=multi_threading", "--direct_num_workers=4"]
CONDITIONS = {
    "types of every element": ["--runtime_type_check", "--type_check_additional=all"],
    "types of some elements": ["--performance_runtime_type_check"],
    "every bundle twice": ["--direct_runner_bundle_repeat=1"],
    "four workers": FOUR_WORKERS,
    "cloudpickle": ["--pickle_library=cloudpickle"],
}


def shuffle(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Hands keys, the values of each key, and bundles on in another order."""
    dice = random.Random(seed)
    partition = execution.GroupingBuffer.partition
    chunks = execution.ListBuffer.__iter__

    def partition_shuffled(self: Any, count: int) -> Any:
        if not self._grouped_output:
            groups = [
                (key, dice.sample(values, len(values))) for key, values in self._table.items()
            ]
            dice.shuffle(groups)
            self._table = collections.defaultdict(list, groups)
        return partition(self, count)

    def chunks_shuffled(self: Any) -> Iterator[bytes]:
        read = list(chunks(self))
        return iter(dice.sample(read, len(read)))

    monkeypatch.setattr(execution.GroupingBuffer, "partition", partition_shuffled)
    monkeypatch.setattr(execution.ListBuffer, "__iter__", chunks_shuffled)


def forbid_changes(
    monkeypatch: pytest.MonkeyPatch, steps: Sequence[tuple[type, str]]
) -> collections.Counter[str]:
    """Fails a run in which one of our methods changes an element that it was given.

    Args:
        monkeypatch: Undoes it.
        steps: Classes, and the names of their methods that take an element as the last argument
            (`process` takes side inputs by name).

    Returns:
        How many elements each has taken, once the pipeline has run in this process.
    """
    seen: collections.Counter[str] = collections.Counter()
    for owner, name in steps:
        monkeypatch.setattr(owner, name, _guarded(owner, getattr(owner, name), seen))
    return seen


def _guarded(
    owner: type, method: Callable[..., Any], seen: collections.Counter[str]
) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any, **others: Any) -> Any:
        given = [arguments[-1], others]
        before = pickle.dumps(given)
        answer = method(self, *arguments, **others)
        if method.__name__ == "process":
            answer = list(answer)
        assert pickle.dumps(given) == before, f"{owner.__name__}.{method.__name__}"
        seen[owner.__name__] += 1
        return answer

    return call


def measure_keys(monkeypatch: pytest.MonkeyPatch) -> list[dict[bytes, int]]:
    """Keeps, for each shuffle, how many bytes go to each key."""
    shuffles: list[dict[bytes, int]] = []
    partition = execution.GroupingBuffer.partition

    def partition_measured(self: Any, count: int) -> Any:
        if not self._grouped_output:
            shuffles.append(
                {key: sum(_size(value) for value in values) for key, values in self._table.items()}
            )
        return partition(self, count)

    monkeypatch.setattr(execution.GroupingBuffer, "partition", partition_measured)
    return shuffles


def _size(value: Any) -> int:
    return len(value) if isinstance(value, bytes) else len(pickle.dumps(value))


def key_coders(pipeline: beam.Pipeline) -> dict[str, coders.Coder]:
    """Returns the coder of the keys of each shuffle; Beam's own single key is left out."""
    found: dict[str, coders.Coder] = {}

    class Visitor(PipelineVisitor):
        def visit_transform(self, node: AppliedPTransform) -> None:
            if isinstance(node.transform, beam.GroupByKey):
                (pairs,) = node.inputs
                if str(pairs.element_type).startswith("Tuple[None,"):
                    return
                found[node.full_label] = coders.registry.get_coder(pairs.element_type).key_coder()

    pipeline.visit(Visitor())
    return found
