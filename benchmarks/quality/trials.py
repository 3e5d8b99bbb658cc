"""The configurations that the study compares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks.quality.features import Features
from benchmarks.quality.network import Network


@dataclass(frozen=True)
class Trial:
    """A configuration.

    Attributes:
        name: Its row in the table.
        features: What the network reads.
        network: The network and its training.
    """

    name: str
    features: Features = field(default_factory=Features)
    network: Network = field(default_factory=Network)


_START: Final = Trial("start: one network")
# What the start gave, one step at a time.
_SPLIT: Final = Features(words="split", idf_power=0.5)
_SMALL: Final = replace(_SPLIT, max_tokens=60_000)
_PRIOR: Final = Network(prior=True)
_RARE: Final = replace(_PRIOR, rare_label_weight=4.0)


def _from_start(name: str, *, words: Features | None = None, net: Network | None = None) -> Trial:
    return Trial(f"start, {name}", words or _START.features, net or _START.network)


TRIALS: Final = (
    _START,
    # Features.
    _from_start("50,000 n-grams", words=Features(max_tokens=50_000)),
    _from_start("n-grams kept by papers", words=Features(frequency="papers")),
    _from_start("up to three words", words=Features(max_tokens=300_000, ngrams=3)),
    _from_start("idf to the power 0.5", words=Features(idf_power=0.5)),
    _from_start("title twice", words=Features(title_twice=True)),
    _from_start("title as a block of its own", words=Features(block="title")),
    Trial("idf 0.5, punctuation parts words", _SPLIT),
    Trial("idf 0.5, the same and no plural s", replace(_SPLIT, words="stem")),
    # Training.
    _from_start("mixup 0.4", net=Network(mixup=0.4)),
    _from_start("label smoothing 0.05", net=Network(smoothing=0.05)),
    _from_start("30 % of the n-grams dropped", net=Network(input_dropout=0.3)),
    _from_start("focal loss", net=Network(loss="focal")),
    _from_start("asymmetric loss", net=Network(loss="asymmetric")),
    _from_start("linear skip path", net=Network(skip=True)),
    _from_start("average of 8 points", net=Network(averaged=8)),
    _from_start("1,024 units, dropout 0.7", net=Network(units=1024, dropout=0.7)),
    # What helps, together.
    Trial("idf 0.5, parted words, prior", _SPLIT, _PRIOR),
    Trial("the same, rare labels weigh more (2)", _SPLIT, replace(_PRIOR, rare_label_weight=2.0)),
    Trial("the same, rare labels weigh more (4)", _SPLIT, _RARE),
    Trial("60,000 n-grams, rare 4, 1 epoch", _SMALL, replace(_RARE, epochs=1, learning_rate=0.04)),
    Trial("60,000 n-grams, rare 4", _SMALL, _RARE),
    Trial("60,000 n-grams, rare 4, 2 members", _SMALL, replace(_RARE, members=2)),
    Trial("60,000 n-grams, rare 4, 3 members", _SMALL, replace(_RARE, members=3)),
    Trial("60,000 n-grams, rare 4, 4 members", _SMALL, replace(_RARE, members=4)),
    Trial(
        "60,000 n-grams, rare 6, 3 members",
        _SMALL,
        replace(_RARE, members=3, rare_label_weight=6.0),
    ),
    Trial(
        "60,000 n-grams, rare 8, 3 members",
        _SMALL,
        replace(_RARE, members=3, rare_label_weight=8.0),
    ),
    Trial(
        "60,000 n-grams, rare 4, 4 members of 256",
        _SMALL,
        replace(_RARE, members=4, units=256, learning_rate=0.04),
    ),
    # Last, since counting characters takes minutes and 7 GB.
    _from_start("characters as a second block", words=Features(block="characters")),
    Trial(
        "60,000 n-grams, rare 6, characters",
        replace(_SMALL, block="characters"),
        replace(_RARE, rare_label_weight=6.0),
    ),
)
