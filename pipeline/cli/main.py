"""The command line: one file per command, loaded only when that command is called or helped."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click

# Each command's file, `pipeline/cli/<name>.py`, holds a function of the same name.
COMMANDS: Final = {
    "run": "Run the whole pipeline, from a data file to a pushed model.",
    "sample": "Write a CSV file of invented papers, as noisy as a real one.",
    "check": "Check a data file in seconds: what a run would keep, drop or reject.",
    "report": "Show the last run's headline figures, and where its report is.",
    "board": "Show a training in TensorBoard, also while it goes on.",
    "predict": "Suggest subject areas with a pushed model, without a server.",
    "serve": "Serve pushed models over gRPC and REST, with a page to try them.",
    "query": "Suggest subject areas by asking a running server.",
    "models": "List the pushed versions and their metrics, newest first.",
    "release": "Choose which versions a server serves; also rolls back to an older one.",
    "drift": "Tell whether the model is still asked what it was trained for.",
    "compile": "Compile the pipeline for a cloud, without network or credentials.",
    "submit": "Compile the pipeline and run it in a cloud.",
}
# The extra that a command needs, and a package that only this extra installs.
_EXTRAS: Final = {
    **dict.fromkeys(("serve", "predict"), ("server", "tensorflow")),
    **dict.fromkeys(("run", "board", "drift", "compile", "submit"), ("pipeline", "tfx")),
}


class LazyGroup(click.Group):
    """Loads a command's module when the command is called; its own help needs none of them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Expands `~` after `--option=`, which the shell leaves; refuses what is not UTF-8."""
        for place, arg in enumerate(args):
            try:
                arg.encode("utf-8")
            except UnicodeEncodeError as error:
                raise click.UsageError(
                    f"{arg!a} is not valid UTF-8. Rename the file, or give the text as UTF-8."
                ) from error
            option, equals, path = arg.partition("=")
            if option.startswith("--") and path.startswith("~"):
                args[place] = option + equals + os.path.expanduser(path)  # noqa: PTH111
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Loads a command; None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        extra, package = _EXTRAS.get(cmd_name, ("", "click"))
        if find_spec(package) is None:
            raise click.UsageError(
                f"`arxiv-tagger {cmd_name}` needs the extra {extra!r}: "
                f"pip install 'arxiv-tagger[{extra}]'"
            )
        command: click.Command = getattr(import_module(f"pipeline.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="arxiv-tagger")
def main() -> None:
    """Train, push and query a model that suggests subject areas for papers."""
    # A file name may be no UTF-8, and not every terminal knows every character.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
