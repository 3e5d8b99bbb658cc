from __future__ import annotations

import pytest

from components.trainer.signatures import ServedTagger
from tests.support.trainer_served import Parts


@pytest.fixture(scope="session")
def tagger(parts: Parts) -> ServedTagger:
    """The served model of these parts."""
    return parts.tagger()


@pytest.fixture(autouse=True)
def _equal_initial_weights():
    """Every test starts from the same random state, whichever ran before it."""
    import keras

    keras.utils.set_random_seed(0)
