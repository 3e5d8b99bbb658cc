"""Plans which label set each paper of the sample gets."""

from __future__ import annotations

import math
from typing import Final

from pipeline.sample.seeded_random import SeededRandom
from pipeline.sample.words import LabelSet, load_words

ONCE_ONLY_SHARE: Final = 0.06
_MAX_LABELS: Final = 7
# Without it the first set would have a fifth of all papers.
_RANK_OFFSET: Final = 4


def plan_label_sets(papers: int, rng: SeededRandom) -> list[LabelSet]:
    """Plans the label sets: common ones for two papers or more, and 6 % that occur once.

    Args:
        papers: How many papers.
        rng: Makes every choice.

    Returns:
        A label set for each paper, in a random order.
    """
    once_only = round(papers * ONCE_ONLY_SHARE)
    return rng.shuffled(_common_sets(papers - once_only) + _once_only_sets(once_only, rng))


def _common_sets(papers: int) -> list[LabelSet]:
    """Shares the papers out among the common sets by Zipf's law, at least two to each."""
    sets = load_words().common_sets[: max(1, papers // 4)]
    weights = [1 / (rank + _RANK_OFFSET) for rank in range(len(sets))]
    spare = max(0, papers - 2 * len(sets))
    total = math.fsum(weights)
    ideal = [spare * weight / total for weight in weights]
    counts = [min(2, papers) + int(share) for share in ideal]
    by_remainder = sorted(range(len(sets)), key=lambda rank: (int(ideal[rank]) - ideal[rank], rank))
    for rank in by_remainder[: papers - sum(counts)]:
        counts[rank] += 1
    return [labels for labels, count in zip(sets, counts, strict=True) for _ in range(count)]


def _once_only_sets(papers: int, rng: SeededRandom) -> list[LabelSet]:
    """Draws sets that differ from the common ones and from each other."""
    words = load_words()
    used = set(words.common_sets)
    all_labels = tuple(words.topics_of_label)
    drawn: list[LabelSet] = []
    while len(drawn) < papers:
        labels = list(rng.pick(words.common_sets))
        for _ in range(rng.between(1, 4)):
            # The lower of two draws: the table begins with the frequent labels.
            label = all_labels[min(rng.below(len(all_labels)), rng.below(len(all_labels)))]
            if label not in labels and len(labels) < _MAX_LABELS:
                labels.append(label)
        if tuple(labels) not in used:
            used.add(tuple(labels))
            drawn.append(tuple(labels))
    return drawn
