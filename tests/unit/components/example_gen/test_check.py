import subprocess
import sys

import pytest

from components.example_gen.check import check_files
from components.example_gen.settings import DataSettings
from tests.support.curation_oracle import (
    naive_split,
    noisy_rows,
    pandas_counts,
    pandas_papers,
    to_csv,
)


def write(tmp_path, content):
    path = tmp_path / "papers.csv"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_equal_the_example_steps_in_pandas(tmp_path, seed):
    path = write(tmp_path, to_csv(noisy_rows(1500, seed)))
    frame, unique, kept = pandas_papers(path)
    splits = kept["titles"].map(naive_split(kept["titles"], kept["terms"]))
    report = check_files([path], DataSettings())
    assert vars(report.curation) == pandas_counts(frame, unique, kept, splits)
    assert report.dead_letters == ()
    assert report.problem is None


def test_malformed_row_does_not_hide_a_later_good_one(tmp_path):
    rows = [("a", "one", "['x'"), ("a", "two", "['x']"), ("b", "three", "['x']")]
    report = check_files([write(tmp_path, to_csv(rows))], DataSettings())
    assert (report.curation.dead_letters, report.curation.repeats) == (1, 0)
    assert [letter.line for letter in report.dead_letters] == [2]


def test_import_loads_no_framework():
    program = (
        "import sys, components.example_gen.check; "
        "print(sorted({'tensorflow', 'tfx', 'apache_beam', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
