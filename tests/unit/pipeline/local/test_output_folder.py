"""The output folder, before a run writes to it."""

from __future__ import annotations

import pytest

from pipeline.local.output_folder import OutputFolder
from schema.errors import UsageError


def test_a_folder_in_one_whose_name_is_not_utf_8_is_refused(tmp_path):
    folder = OutputFolder(tmp_path / "caf\udce9" / "out")
    with pytest.raises(UsageError, match="not valid UTF-8"), folder.locked():
        pass
    assert not folder.root.exists()
