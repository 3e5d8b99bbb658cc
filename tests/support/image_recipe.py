"""The Dockerfile as data, read by BuildKit's own parser, and what its build context holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import dockerfile

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
DOCKERIGNORE = ROOT / ".dockerignore"


@dataclass(frozen=True)
class Step:
    """An instruction.

    Attributes:
        name: In capitals, as in RUN.
        flags: As in `--from=wheel`.
        values: What follows; a RUN's whole command is one value.
        line: Where it begins.
        is_json: Whether it is in the form that starts no shell.
    """

    name: str
    flags: tuple[str, ...]
    values: tuple[str, ...]
    line: int
    is_json: bool

    def flag(self, name: str) -> str:
        """The value of a flag; empty where it isn't given."""
        found = [flag.partition("=")[2] for flag in self.flags if flag.startswith(f"--{name}=")]
        return found[0] if found else ""

    def pairs(self) -> dict[str, str]:
        """Names and values of ENV and LABEL."""
        names, values = self.values[::2], self.values[1::2]
        return {name: value.strip('"') for name, value in zip(names, values, strict=True)}

    def mounts(self) -> list[dict[str, str]]:
        """The options of each `--mount`."""
        texts = [flag.removeprefix("--mount=") for flag in self.flags if "--mount=" in flag]
        return [dict(option.split("=", 1) for option in text.split(",")) for text in texts]


@dataclass(frozen=True)
class Stage:
    """What one FROM begins."""

    name: str
    base: str
    steps: tuple[Step, ...]

    def all(self, name: str) -> list[Step]:
        """The stage's own instructions of a name."""
        return [step for step in self.steps if step.name == name]


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile.

    Attributes:
        arguments: Those before the first FROM, with their defaults.
        stages: By name, in the order of the file.
    """

    arguments: dict[str, str]
    stages: dict[str, Stage]

    def ancestry(self, name: str) -> list[Stage]:
        """A stage after those that it is built on, the lowest first."""
        stage = self.stages[name]
        below = self.ancestry(stage.base) if stage.base in self.stages else []
        return [*below, stage]

    def needs(self, name: str) -> list[Stage]:
        """Every stage that a target is made of, in the order of the file."""
        waiting, found = [name], set()
        while waiting:
            stage = self.stages[waiting.pop()]
            found.add(stage.name)
            sources = [stage.base, *(step.flag("from") for step in stage.steps)]
            sources += [mount.get("from", "") for step in stage.steps for mount in step.mounts()]
            waiting += [source for source in sources if source in self.stages]
        return [stage for stage in self.stages.values() if stage.name in found]

    def last(self, target: str, instruction: str) -> Step:
        """The instruction that counts in a target, where a later one replaces an earlier one."""
        steps = [step for stage in self.ancestry(target) for step in stage.all(instruction)]
        return steps[-1]


def read_recipe(path: Path = DOCKERFILE) -> Recipe:
    """Reads a Dockerfile."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    base, name, steps = "", "", []
    for command in (*dockerfile.parse_file(str(path)), None):
        if command is None or command.cmd.upper() == "FROM":
            if name:
                stages[name] = Stage(name, base, tuple(steps))
            if command is not None:
                base, as_, name = command.value
                assert as_.upper() == "AS"
                assert name not in stages
                steps = []
        elif name:
            steps.append(
                Step(
                    command.cmd.upper(),
                    tuple(command.flags),
                    tuple(command.value),
                    command.start_line,
                    command.json,
                )
            )
        else:
            assert command.cmd.upper() == "ARG"
            argument, _, default = command.value[0].partition("=")
            arguments[argument] = default
    return Recipe(arguments, stages)


def is_ignored(path: str, dockerignore: str) -> bool:
    """Whether a path of the checkout is kept out of the build context.

    The last pattern that matches the path, or a folder that it lies in, decides. See
    ".dockerignore files" in Docker's guide to the build context.

    Args:
        path: From the root of the checkout, with slashes.
        dockerignore: Text of the file.
    """
    ignored = False
    for line in dockerignore.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        negated = pattern.startswith("!")
        if re.fullmatch(_regex(pattern.lstrip("!").strip("/")) + "(/.*)?", path):
            ignored = not negated
    return ignored


def _regex(pattern: str) -> str:
    """A pattern of Go's filepath.Match, with `**` for any number of folders."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]*\])", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        part if part.startswith("[") else known.get(part, re.escape(part)) for part in parts
    )
