"""The digest of a component's source changes with what it rests on, and with nothing else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.source_digest import own_source_digest, source_digest, source_files

ROOT = Path(__file__).resolve().parents[3]

TREE = {
    "schema/__init__.py": "",
    "schema/names.py": "A = 1\n",
    "schema/errors.py": "raise RuntimeError('never imported')\n",
    "schema/schema.pbtxt": "feature {}\n",
    "schema/lonely.py": "B = 1\n",
    "serving/__init__.py": "from . import client\n",
    "serving/client.py": "",
    "serving/unused.py": "",
    "components/__init__.py": "",
    "components/trainer/__init__.py": "",
    "components/trainer/run_fn.py": "import os\n\nimport numpy\n\nfrom . import model\n",
    "components/trainer/model.py": (
        "from components.metrics.ranking import lrap\n\n\n"
        "def build():\n    from ..metrics import flat\n    import schema.names as n\n"
    ),
    "components/trainer/deep/__init__.py": "",
    "components/trainer/deep/export.py": "from ...transform.text import split\n",
    "components/trainer/table.yaml": "a: 1\n",
    "components/trainer/page.html.j2": "<p>{{ a }}</p>\n",
    "components/trainer/style.css": "p {}\n",
    "components/trainer/picture.png": "not source",
    "components/metrics/__init__.py": "",
    "components/metrics/ranking.py": "from components.trainer import run_fn\n",
    "components/metrics/flat.py": "",
    "components/metrics/named.py": "",
    "components/metrics/by_string.py": "",
    "components/metrics/notes.txt": "",
    "components/transform/__init__.py": "",
    "components/transform/text.py": (
        "from schema import errors\n"
        'MODULE = "components.metrics.by_string"\n'
        'FUNCTION = "components.metrics.named.function"\n'
        'PROSE = "see components.pusher.executor for more"\n'
        'MISSING = "components.nowhere.at.all"\n'
    ),
    "components/transform/settings.py": "",
    "components/pusher/__init__.py": "",
    "components/pusher/executor.py": "import serving\nfrom numpy import nothing\n",
    "pipeline/__init__.py": "",
}

# What components.trainer rests on, by reading the tree above.
TRAINER = {
    "schema/__init__.py",
    "schema/names.py",
    "schema/errors.py",
    "components/__init__.py",
    "components/trainer/__init__.py",
    "components/trainer/run_fn.py",
    "components/trainer/model.py",
    "components/trainer/deep/__init__.py",
    "components/trainer/deep/export.py",
    "components/trainer/table.yaml",
    "components/trainer/page.html.j2",
    "components/trainer/style.css",
    "components/metrics/__init__.py",
    "components/metrics/ranking.py",
    "components/metrics/flat.py",
    "components/metrics/named.py",
    "components/metrics/by_string.py",
    "components/transform/__init__.py",
    "components/transform/text.py",
}


def write_tree(root: Path, files: Mapping[str, str] = TREE) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "checkout")


@pytest.mark.parametrize("module", ["components.trainer", "components.trainer.run_fn"])
def test_files_are_the_ones_reached_by_hand(tree: Path, module: str) -> None:
    before = set(sys.modules)
    found = source_files(module, tree)
    assert {path.relative_to(tree).as_posix() for path in found} == TRAINER
    # They are read, not imported.
    assert set(sys.modules) == before


def test_a_package_brings_what_its_init_imports(tree: Path) -> None:
    found = source_files("components.pusher", tree)
    assert tree / "serving/client.py" in found
    assert tree / "serving/unused.py" not in found


@pytest.mark.parametrize("name", sorted(TREE))
def test_a_changed_line_changes_the_digest_of_what_rests_on_it_only(tree: Path, name: str) -> None:
    before = source_digest("components.trainer", tree)
    with (tree / name).open("a") as file:
        file.write("# a comment counts\n")
    assert (source_digest("components.trainer", tree) != before) == (name in TRAINER)


def test_a_new_and_a_renamed_file_of_the_room_change_the_digest(tree: Path) -> None:
    digests = [source_digest("components.trainer", tree)]
    (tree / "components/trainer/new.py").write_text("")
    digests.append(source_digest("components.trainer", tree))
    (tree / "components/trainer/new.py").rename(tree / "components/trainer/newer.py")
    digests.append(source_digest("components.trainer", tree))
    assert len(set(digests)) == 3


def test_place_times_and_caches_do_not_count(tree: Path, tmp_path: Path) -> None:
    before = source_digest("components.trainer", tree)
    assert source_digest("components.trainer", write_tree(tmp_path / "site-packages")) == before
    for path in tree.rglob("*.py"):
        os.utime(path, (1, 1))
    cache = tree / "components/trainer/__pycache__"
    cache.mkdir()
    (cache / "run_fn.cpython-310.pyc").write_bytes(b"\x00")
    assert source_digest("components.trainer", tree) == before


@pytest.mark.parametrize("name", ["components.nowhere", "tensorflow", "os.path"])
def test_unknown_module_is_an_error(tree: Path, name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=name):
        source_digest(name, tree)


def test_default_is_the_place_this_was_installed_in(tmp_path: Path) -> None:
    for room in ("schema", "serving", "components", "pipeline"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    copied = source_digest("components.pusher", tmp_path)
    assert source_digest("components.pusher") == copied
    found = {path.relative_to(ROOT).as_posix() for path in source_files("components.pusher", ROOT)}
    assert {"components/pusher/atomic_push.py", "schema/errors.py"} <= found
    assert "schema/schema.pbtxt" not in found


OWN = {
    "own_parts/__init__.py": "",
    "own_parts/features.py": "import own_words, schema.names\n",
    "own_parts/model.py": "import keras\nfrom own_parts.sizes import WIDTH\n",
    "own_parts/sizes.py": "WIDTH = 3\n",
    "own_words.py": "",
    "unrelated.py": "",
}


@pytest.mark.parametrize("folder", ["mine", "site-packages"])
def test_a_function_of_ones_own_rests_on_what_its_module_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    root = write_tree(tmp_path / folder, OWN)
    (root / "keras.py").write_text("never = imported\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(root)])

    def digests() -> list[str]:
        for name in [each for each in sys.modules if each.startswith("own_")]:
            del sys.modules[name]
        return [own_source_digest(f"own_parts.{each}.f") for each in ("features", "model")]

    assert own_source_digest(None) == ""
    changed = {}
    for name in OWN:
        before = digests()
        (root / name).write_text(f"{OWN[name]}# a comment counts\n")
        changed[name] = [one != two for one, two in zip(before, digests(), strict=True)]
    assert changed == {
        "own_parts/__init__.py": [True, True],
        "own_parts/features.py": [True, False],
        "own_parts/model.py": [False, True],
        "own_parts/sizes.py": [False, True],
        # Among installed packages, the modules beside it are somebody else's.
        "own_words.py": [folder == "mine", False],
        "unrelated.py": [False, False],
    }
