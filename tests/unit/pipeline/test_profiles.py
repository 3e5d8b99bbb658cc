"""Profiles: what they extend, what they hold, and what is said of one that can't be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipeline.config import load_config, profile_names
from schema.errors import UsageError
from tests.support.command_line import flat, invoke

# Written when each profile had all its settings in its own file.
BEFORE = Path(__file__).with_name("profiles_that_stand_alone.jsonl")


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str | bytes) -> str:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return write


@pytest.mark.parametrize("line", BEFORE.read_text().splitlines())
def test_no_profile_lost_a_value_when_profiles_began_to_extend_others(line):
    ((profile, before),) = json.loads(line).items()

    def same(old, new):
        if isinstance(old, dict) and old:
            return {key: same(value, new[key]) for key, value in old.items()}
        return new

    assert same(before, load_config(profile).model_dump(mode="json")) == before


def test_the_cloud_example_holds_nothing_but_a_deployment():
    text = Path("pipeline/profiles/cloud_example.yaml").read_text()
    assert list(yaml.safe_load(text)) == ["deploy"]
    assert profile_names() == ["cloud_example", "default", "keras_example", "sample"]


def test_a_profile_extends_default_unless_it_says_otherwise(write):
    default = load_config("default")
    assert load_config(write("a.yaml", "# nothing\n")) == default
    data = load_config(write("b.yaml", "data: {columns: {title: null}}\n"))
    assert data == load_config("default", ["data.columns.title=null"])
    assert load_config(write("c.yml", "extends: null\n")).trainer.ensemble_size == 1


def test_sections_are_merged_and_settings_replaced(write):
    write("team/base.yaml", "extends: sample\ntrainer: {hidden_units: [8, 8], epochs: 3}\n")
    mine = "extends: team/base.yaml\ntrainer: {hidden_units: [4]}\ngate: {floors: {lrap: 0.1}}\n"
    asked = ["trainer.epochs=3", "trainer.hidden_units=[4]", "gate.floors={lrap: 0.1}"]
    assert load_config(write("mine.yaml", mine)) == load_config("sample", asked)
    # A path is relative to the file that has it.
    write("team/next.yaml", "extends: base.yaml\n")
    assert load_config("team/next.yaml") == load_config("team/base.yaml")


def test_a_section_replaces_what_is_none(write):
    write("base.yaml", "extends: sample\ntrainer: 5\n")
    mine = write("mine.yaml", "extends: base.yaml\ntrainer: {epochs: 3}\n")
    assert load_config(mine).trainer.epochs == 3


def test_extends_is_explained(write):
    write("a.yaml", "extends: b.yaml\n")
    write("b.yaml", "\nextends: ./a.yaml\n")
    write("self.yaml", "extends: self.yaml\n")
    write("missing.yaml", "extends: nosuch\n")
    write("lost.yaml", "extends: no.yaml\n")
    write("many.yaml", "extends: [default]\n")
    write("wrong.yaml", "extends: bad.yaml\n")
    write("bad.yaml", "trainer:\n  epochs: x\n")
    for profile, message in {
        "a.yaml": "b.yaml, line 2: a.yaml, which extends b.yaml, which extends a.yaml: a circle.",
        "self.yaml": "self.yaml, line 1: self.yaml, which extends self.yaml: a circle.",
        "missing.yaml": "missing.yaml, line 1: There is no profile 'nosuch'. Choose one of cloud_",
        "lost.yaml": "lost.yaml, line 1: Can't read the profile no.yaml: No such file or dir",
        "many.yaml": "many.yaml, line 1: `extends` must be the name of a profile, a path, or null.",
        "wrong.yaml": 'trainer.epochs: must be a whole number, got "x" (bad.yaml, line 2)',
    }.items():
        with pytest.raises(UsageError) as raised:
            load_config(profile)
        assert message in str(raised.value)


def test_labels_get_their_names_from_a_file_or_the_profile(write):
    write("team/names.tsv", "cs.LG\tMachine Learning\n\nstat.ML\tStatistics, mostly\n")
    write("names.csv", '\ufeffcs.LG,"Learning, Machine"\n')
    file = load_config(write("team/a.yaml", "report: {label_names: names.tsv}\n"))
    assert file.report.label_names == {
        "cs.LG": "Machine Learning", "stat.ML": "Statistics, mostly",
    }  # fmt: skip
    typed = load_config("sample", ["report.label_names=names.csv"])
    assert typed.report.label_names == {"cs.LG": "Learning, Machine"}
    given = load_config(write("b.yaml", "report: {label_names: {cs.LG: 5}}\n"))
    assert given.report.label_names == {"cs.LG": "5"}
    write("bad.csv", "cs.LG,Machine,Learning\n")
    write("nul.csv", "cs.LG\0\n")
    for path, message in {
        "bad.csv": "bad.csv, line 1 has 3 columns",
        "none.csv": r"can't read none.csv: No such file or directory\.",
        "nul.csv": "can't read nul.csv: line contains NUL|nul.csv, line 1 has 1 columns",
    }.items():
        with pytest.raises(UsageError, match=message):
            load_config("sample", [f"report.label_names={path}"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("trainer: {epochs: ", "is not valid YAML: line 1: expected the node content, but found"),
        (
            "data: {seed: 1}\ntrainer: {}\ndata: {seed: 2}",
            "line 3: `data` stands here and in line 1",
        ),
        (
            "data:\n  seed: 1\n  'seed': 2",
            "line 3: `data.seed` stands here and in line 2; keep one.",
        ),
        ("data: &a\n  columns: *a", "line 2: found the alias *a; write out what it stands for."),
        ("data:\n\tseed: 1", "line 2: found character '\\t' that cannot start any token, a tab: "),
        ("data:\n  seed: 2020-13-45", 'data.seed: must be a whole number, got "2020-13-45" (mine.'),
        ("data:\n  ? [a]\n  : 1", "line 2: the name of a setting must be text."),
        ("data:\n  1: 2", "data.1: there is no such setting (mine.yaml, line 2)"),
        (
            "data: {columns: {title: !!python/name:os.getcwd }}",
            "line 1: found the tag tag:yaml.org",
        ),
        ("data: {seed: !!int x}", "line 1: can't read 'x' as int."),
        ("data: 1\n---\ndata: 2", "line 2: but found another document"),
        ("[" * 5000, "is not valid YAML: it is nested too deeply."),
        ('data: {columns: {title: "a\\ud800"}}', r"A setting holds what is not text: '"),
        ("data: \x07", "is not valid YAML: unacceptable character #x0007"),
        ("- trainer\n", "must consist of sections such as `trainer:`, each a mapping."),
        (b"data:\n  seed: \xff\n", "Can't read the profile mine.yaml: line 2 is not UTF-8."),
        ("trainer:\n", "trainer: must be a mapping, got null (mine.yaml, line 1)"),
        ("beam: {runner: spark, workers: 2}", "spark takes its own arguments"),
        ("trainer: {members: 3}", "`trainer.members` is now `trainer.ensemble_size` (mine.yaml, l"),
        ("trainer: {optimizer: lazy_adam}", "was removed: `lazy_rms` takes half its time (mine."),
    ],
)
def test_a_profile_that_can_not_be_used_is_explained_with_its_line(write, content, message):
    done = invoke("run", "--dry-run", "--profile", write("mine.yaml", content))
    assert done.exit_code == 2
    assert message in flat(done.output)
    assert "mine.yaml" in done.output or "not text" in done.output


def test_a_name_that_yaml_takes_for_something_else_is_text(write):
    mine = write(
        "mine.yaml", "\ufeffdata: {columns: {title: no, text: 010, labels: 2020-01-01, split: ~}}"
    )
    columns = load_config(mine).data.columns
    assert (columns.title, columns.text, columns.labels, columns.split) == (
        "no", "010", "2020-01-01", None,
    )  # fmt: skip


def test_no_profile(write, tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    for profile, message in {
        "nosuch": "Choose one of cloud_example, default, keras_example, sample, or give the path",
        "mine.txt": "There is no profile 'mine.txt'",
        "": "There is no profile ''",
        "none.yaml": "Can't read the profile none.yaml: No such file or directory.",
        "folder.yaml": "Can't read the profile folder.yaml: Is a directory.",
    }.items():
        with pytest.raises(UsageError, match=message):
            load_config(profile)
