from __future__ import annotations

from pathlib import Path

import pytest

from components.papers.examples import serialize_paper
from components.papers.raw_paper import RawPaper
from tests.support.trainer_served import Parts

THRESHOLD = 0.37


@pytest.fixture(scope="session")
def exported(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel as the trainer exports it."""
    from components.trainer.export import export_model

    folder = tmp_path_factory.mktemp("exported") / "model"
    export_model(parts.tagger(THRESHOLD), str(folder), {"threshold": THRESHOLD})
    return folder


@pytest.fixture(scope="session")
def records(parts: Parts) -> list[bytes]:
    """Raw examples; some have no title."""
    papers = zip(parts.titles, parts.abstracts, strict=True)
    return [
        serialize_paper(RawPaper(title, abstract, ("cs.LG", "new"))) for title, abstract in papers
    ]
