"""The check and the Beam curation agree with the oracle, whatever the settings."""

import json
import random

import pytest

from components.example_gen.check import check_files
from components.example_gen.label_sets import leave_out
from components.example_gen.rows import count_labels
from components.example_gen.settings import Columns, DataSettings
from components.papers.examples import read_papers
from schema import names
from tests.support.curation_oracle import curate, to_csv
from tests.support.example_gen_run import run

LABELS = ["cs.LG", "cs.CV", "stat.ML", "q-bio", "68T45", "I.2.6, I.2.10", "rare 1", "rare 2"]
WEIGHTS = [9, 8, 5, 3, 2, 1, 0.2, 0.1]


def draw(seed, folder):
    """Settings, the bytes of a file, and its rows as the oracle takes them."""
    dice = random.Random(seed)
    form = dice.choice(["list", "separated", "tags", "columns"])
    columns = Columns(labels=tuple(LABELS)) if form == "columns" else Columns()
    settings = DataSettings(
        columns=columns,
        label_format="tags" if form == "tags" else None,
        label_separator=";" if form == "separated" else None,
        label_order=dice.choice(["keep", "ignore"]),
        min_label_set_count=dice.choice([1, 2, 5]),
        min_label_count=dice.choice([1, 1, 20, 60]),
        label_pattern=dice.choice([None, None, r"[a-z-]+(\.[A-Z]+)?"]),
        unlabelled=dice.choice(["drop", "keep"]),
        dedup_by=dice.choice(["title", "title_and_text", "none"]),
        test_share=0.2,
        seed=seed,
    )
    rows = []
    for number in range(300):
        labels = list(dict.fromkeys(dice.choices(LABELS, WEIGHTS, k=dice.randint(0, 3))))
        if form == "columns":
            labels.sort(key=LABELS.index)
        title = f"Title {dice.randrange(200)}" if dice.random() < 0.98 else ""
        text = f"text {dice.randrange(3)} w{number % 40}" if dice.random() < 0.7 else "text"
        rows.append((title, text, labels, write(form, labels, dice)))
    header = ("titles", "summaries", *columns.label_columns)
    lines = [(*row[:2], *(row[3] if form == "columns" else row[3:])) for row in rows]
    if form == "columns":
        rows = [(*row[:3], str(tuple(row[3]))) for row in rows]
    return settings, to_csv(lines, header), rows


def write(form, labels, dice):
    """Writes labels in a form."""
    if form == "columns":
        yes, no = ("1", "1.0", "True"), ("0", "0.0", "false", "")
        return [dice.choice(yes if label in labels else no) for label in LABELS]
    if form == "tags":
        return dice.choice(["", " "]).join(f"<{label}>" for label in labels)
    if form == "separated":
        return ";".join(labels) + dice.choice(["", ";"])
    return repr(labels)


@pytest.mark.parametrize("seed", range(40))
def test_check_equals_the_oracle(seed, tmp_path):
    settings, content, rows = draw(seed, tmp_path)
    (tmp_path / "papers.csv").write_bytes(content)
    report = check_files([str(tmp_path / "papers.csv")], settings)
    assert vars(report.curation) == curate(rows, settings).counts


@pytest.mark.parametrize("seed", [*range(100, 106), 3])
def test_beam_equals_the_oracle_paper_by_paper(seed, tmp_path):
    settings, content, rows = draw(seed, tmp_path)
    expected = curate(rows, settings)
    settings = settings.model_copy(update={"max_bad_share": 1.0})
    done = run(tmp_path, {"papers.csv": content}, settings)
    assert vars(done.report()) == expected.counts
    for split in names.SPLITS:
        assert list(read_papers(done.folder_of(split))) == expected.papers[split]
    fallen = leave_out(count_labels(str(tmp_path / "data/papers.csv"), settings), settings)
    left_out = json.loads((tmp_path / "curation/labels_left_out.json").read_text())
    assert left_out == [each._asdict() for each in fallen]
