from __future__ import annotations

import pytest

from components.trainer.signatures import ServedTagger
from tests.unit.trainer.served import Parts


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """A transform graph and an untrained network."""
    return Parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="session")
def tagger(parts: Parts) -> ServedTagger:
    """The served model of these parts."""
    return parts.tagger()
