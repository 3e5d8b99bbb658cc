from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.trainer_served import Parts
    from tests.support.transform_graph import Analysis


@pytest.fixture(scope="session")
def analyse(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Analysis]:
    """Analyses papers by the settings given; the same settings cost one run of Beam in all."""

    @functools.cache
    def run(max_tokens: int, text: str, weighting: str = "keras", **others: Any) -> Analysis:
        from components.transform.settings import FeatureSettings
        from tests.support.transform_graph import Analysis

        settings = FeatureSettings(input=text, max_tokens=max_tokens, weighting=weighting, **others)
        return Analysis(settings, tmp_path_factory.mktemp("analysis"))

    return run


@pytest.fixture(scope="session")
def parts(analyse: Callable[..., Analysis]) -> Parts:
    """A transform graph and an untrained network."""
    from tests.support.trainer_served import Parts

    return Parts(analyse(10_000, "title_and_abstract"))
