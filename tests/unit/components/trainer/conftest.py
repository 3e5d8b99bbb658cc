from __future__ import annotations

from collections.abc import Callable

import pytest

from components.trainer.signatures import ServedTagger
from tests.support.trainer_served import Parts
from tests.support.transform_graph import Analysis


@pytest.fixture(scope="session")
def parts(analyse: Callable[..., Analysis]) -> Parts:
    """A transform graph and an untrained network."""
    return Parts(analyse(10_000, "title_and_abstract"))


@pytest.fixture(scope="session")
def tagger(parts: Parts) -> ServedTagger:
    """The served model of these parts."""
    return parts.tagger()


@pytest.fixture(autouse=True)
def _equal_initial_weights():
    """Every test starts from the same random state, whichever ran before it."""
    import keras

    keras.utils.set_random_seed(0)
