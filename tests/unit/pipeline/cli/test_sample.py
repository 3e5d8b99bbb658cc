"""`arxiv-tagger sample`."""

from __future__ import annotations

import pandas as pd

from tests.support.command_line import flat, invoke


def test_sample_writes_the_rows_that_check_counts(tmp_path):
    path = tmp_path / "new" / "sample.csv.gz"
    done = invoke("sample", "--rows", 400, "--seed", 5, "--output", path)
    assert done.exit_code == 0
    assert str(path) in done.output
    rows = pd.read_csv(path)
    assert len(rows) == 400
    first = rows[~rows["titles"].duplicated()]
    kept = first.groupby("terms").filter(lambda group: len(group) > 1)

    done = invoke("check", "--data", path)
    assert done.exit_code == 0, done.output
    for line in (
        "400 rows read",
        f"{400 - len(first)} repeats of an earlier paper, dropped",
        f"{len(kept)} papers kept",
        f"{path} can be used.",
    ):
        assert line in flat(done.output)
