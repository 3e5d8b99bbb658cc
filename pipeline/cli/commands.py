"""What the commands of the command line do; `cli` only reads their options."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import yaml
from rich.console import Console

from pipeline.config import Config, load_config
from schema.errors import BadInputError, UsageError


def run_command(
    data: str | None,
    profile: str | None,
    output: Path,
    overrides: Sequence[str],
    dry_run: bool,
) -> None:
    """Runs the whole pipeline and tells what came of it.

    Args:
        data: Path or URL of the CSV file, or a path with `{SPAN}`; the embedded sample where None.
        profile: Name or path of the profile.
        output: The output folder.
        overrides: Changed settings, `section.key=value` each.
        dry_run: Only show what would run.

    Raises:
        UsageError: The runner of Beam can't reach this machine's files.
    """
    console = Console(highlight=False)
    profile = profile or ("sample" if data is None else "default")
    config = load_config(profile, overrides)
    if config.beam.runner == "dataflow":
        raise UsageError(
            "beam.runner is dataflow, whose machines can't reach the files of this one. Take "
            "another runner, or run the pipeline in the cloud: `arxiv-tagger submit`."
        )
    if dry_run:
        _show_plan(console, config, data, profile, output)
        return
    from components.example_gen.papers import read_papers
    from pipeline.local.data_files import find_data
    from pipeline.local.run import Layout, refuse_unblessed, run_locally

    located = _locate(data, Layout(output).data, console)
    files = find_data(located, config.data)
    # A wrong file or column is told now, not after TFX has loaded.
    for path in files.paths:
        next(iter(read_papers(path, config.data)))
    if files.words:
        console.print(files.words, soft_wrap=True)
    result = run_locally(config, Path(located), output, console)

    from pipeline.cli.results_view import show_results

    show_results(console, result, output)
    refuse_unblessed(result)


def sample_command(rows: int, seed: int, output: Path) -> None:
    """Writes the embedded sample."""
    from pipeline.sample.generator import write_sample

    path = write_sample(rows, seed, output)
    Console(highlight=False).print(f"{rows:,} rows, seed {seed}: {path}", soft_wrap=True)


def check_command(data: str, profile: str, overrides: Sequence[str]) -> None:
    """Validates a file, or those of several spans, and shows what a run would make of it.

    Raises:
        BadInputError: A run on the data would stop.
    """
    from components.example_gen.check import check_files
    from pipeline.cli.results_view import show_curation
    from pipeline.local.data_files import find_data

    config = load_config(profile, overrides)
    console = Console(highlight=False)
    files = find_data(data, config.data)
    if files.words:
        console.print(files.words, soft_wrap=True)
    report = check_files(files.paths, config.data)
    show_curation(console, report.curation.__dict__)
    for letter in report.dead_letters:
        where = f"{letter.file}, " if len(files.paths) > 1 else ""
        console.print(f"{where}line {letter.line}: {letter.reason}", markup=False, soft_wrap=True)
    if report.problem:
        raise BadInputError(f"{data}: {report.problem}.")
    console.print(f"[green]✓[/] {data} can be used.", soft_wrap=True)


def predict_command(model: str, texts: Sequence[str], as_json: bool) -> None:
    """Suggests labels for texts, from the arguments or else from standard input."""
    from pipeline.cli.suggestion_io import read_texts, write_suggestions
    from serving.predict import find_model

    given = read_texts(texts)
    find_model(model)
    from pipeline.cli.results_view import show_suggestions, suggest_quietly

    suggestions = suggest_quietly(model, given)
    console = Console(highlight=False)
    for text, labels in zip(given, suggestions, strict=True):
        if as_json:
            write_suggestions(text, labels)
        else:
            show_suggestions(console, text, labels)


def report_command(output: Path, in_browser: bool) -> None:
    """Shows the headline figures of the last run's report, and where its page is.

    Args:
        output: The output folder of a run.
        in_browser: Whether to open the page.

    Raises:
        UsageError: There is no report.
    """
    from pipeline.cli.report_view import read_report, show_report

    page, report = read_report(output)
    show_report(Console(highlight=False), report, page)
    if in_browser:
        import webbrowser

        if not webbrowser.open(page.absolute().as_uri()):
            raise UsageError(f"There is no browser here to open {page} with. Open it by hand.")


def _locate(data: str | None, folder: Path, console: Console) -> str:
    """Returns the path of the data; makes the sample, or downloads a URL, first."""
    from components.example_gen.spans import has_span

    if data is None:
        from pipeline.sample.generator import DEFAULT_ROWS, DEFAULT_SEED, write_sample

        return str(write_sample(DEFAULT_ROWS, DEFAULT_SEED, folder / "sample.csv"))
    if has_span(data):
        return data
    if "://" in data:
        from pipeline.cli.results_view import fetch_with_progress

        return str(fetch_with_progress(data, folder, console))
    if not Path(data).is_file():
        raise BadInputError(f"There is no file {data}. Check the path given with --data.")
    return data


def _show_plan(
    console: Console, config: Config, data: str | None, profile: str, output: Path
) -> None:
    from pipeline.local.node_facts import PURPOSES

    source = data or "the embedded sample"
    console.print(f"[bold]Would run[/] profile {profile} on {source} into {output}/\n")
    for node, purpose in PURPOSES.items():
        console.print(f"  {node:<17} {purpose}")
    console.print("\n[bold]Settings[/]")
    settings = json.loads(config.model_dump_json())
    console.print(yaml.safe_dump(settings, sort_keys=False), markup=False, soft_wrap=True)
