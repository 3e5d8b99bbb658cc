"""Runs the Dockerfile's own steps in a folder, where there is no Docker engine.

The instructions are taken from the file, not copied from it. Three things differ from a real
build. Every stage works in the same folder, so a COPY from another stage has nothing to do. What
other images give is left out; uv is this project's, with its own cache. Packages are linked from
that and not compiled, which changes how long it takes and not what is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.image_recipe import DOCKERIGNORE, ROOT, Recipe, Step, is_ignored

# Commands that need root, or a program of another image.
LEFT_OUT: Final = ("tensorflow_model_server", "useradd")

_CACHE: Final = "UV_CACHE_DIR"
_FAST: Final = {"UV_LINK_MODE": "hardlink", "UV_COMPILE_BYTECODE": "0"}
# An absolute path of the image, where a word or a part of a PATH begins.
_IMAGE_PATH: Final = re.compile(r"(?<![\w.$}/-])/(?=(?:build|home|opt)\b)")
_SECONDS: Final = 900


@dataclass
class ImageBuild:
    """A build in progress.

    Attributes:
        root: What is `/` in the image.
        environment: As the instructions so far leave it.
        done: The commands that ran, as the Dockerfile has them.
        left_out: The commands that did not.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def build(self, recipe: Recipe, target: str) -> None:
        """Runs the steps of every stage that a target needs.

        Raises:
            subprocess.CalledProcessError: A command failed.
        """
        for stage in recipe.needs(target):
            folder = self.root
            self.environment = _machine()
            for below in recipe.ancestry(stage.name):
                for step in below.steps:
                    if step.name == "WORKDIR":
                        folder = Path(self.inside(step.values[0]))
                        folder.mkdir(parents=True, exist_ok=True)
                    elif step.name == "ENV":
                        self._set(step)
                    elif below is stage and step.name == "COPY":
                        self._copy(step, folder, recipe)
                    elif below is stage and step.name == "RUN":
                        self._run(step, folder)

    def inside(self, text: str) -> str:
        """The text with the image's absolute paths under this build's root."""
        return _IMAGE_PATH.sub(f"{self.root}/", text)

    def _set(self, step: Step) -> None:
        for name, value in step.pairs().items():
            if name == _CACHE:
                continue
            known = re.sub(r"\$(\w+)", lambda match: self.environment.get(match[1], ""), value)
            self.environment[name] = self.inside(known)

    def _copy(self, step: Step, folder: Path, recipe: Recipe) -> None:
        *sources, target = step.values
        if step.flag("from"):
            # The same place in the one folder, or a file of another image.
            assert (
                step.flag("from") not in recipe.stages
                or sources == [target]
                or (not recipe.stages[step.flag("from")].steps)
            )
            return
        place = folder / self.inside(target)
        dockerignore = DOCKERIGNORE.read_text()
        for source in sources:
            path = ROOT / source
            files = [path] if path.is_file() else list(path.rglob("*"))
            into_folder = path.is_file() and (target.endswith("/") or len(sources) > 1)
            for file in files:
                if file.is_dir() or is_ignored(file.relative_to(ROOT).as_posix(), dockerignore):
                    continue
                copy = place / file.name if into_folder else place / file.relative_to(path)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, copy)

    def _run(self, step: Step, folder: Path) -> None:
        commands = [command.strip() for command in step.values[0].split("&&")]
        left_out = [command for command in commands if command.startswith(LEFT_OUT)]
        wanted = [command for command in commands if command not in left_out]
        self.left_out += left_out
        if wanted:
            subprocess.run(
                ["sh", "-ec", self.inside(" && ".join(wanted))],
                cwd=folder,
                env={**self.environment, **_FAST},
                check=True,
                timeout=_SECONDS,
            )
        self.done += wanted


def _machine() -> dict[str, str]:
    """The environment before the first instruction: uv, Python, and the cache of uv."""
    uv = shutil.which("uv", path=f"{ROOT / '.tools' / 'bin'}:{os.environ['PATH']}")
    assert uv is not None, "`make setup` installs uv."
    cache = subprocess.run([uv, "cache", "dir"], check=True, capture_output=True, text=True)
    path = [str(Path(uv).parent), str(Path(sys.base_prefix) / "bin"), "/usr/bin", "/bin"]
    # How this machine reaches the package registry.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy") or name in ("SSL_CERT_FILE", "UV_DEFAULT_INDEX")
    }
    return {**kept, "PATH": ":".join(path), _CACHE: cache.stdout.strip()}
