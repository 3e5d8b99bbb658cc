"""Shows a person what a run, a check or a prediction came to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from pipeline.local.quiet import output_to_log
from schema import names
from serving.predict import load_model

if TYPE_CHECKING:
    from components.evaluator.gate import GateRow
    from components.example_gen.examples import RawPaper
    from pipeline.local.run import RunResult
    from serving.suggestion import Suggestion

_CURATION: Final = (
    ("rows_read", "rows read"),
    ("dead_letters", "malformed, in dead_letters.jsonl"),
    ("repeats", "repeated titles, dropped"),
    ("after_dedup", "papers after that"),
    ("label_sets", "different label sets"),
    ("label_sets_once", "label sets seen too rarely"),
    ("label_set_rows_dropped", "their papers, dropped"),
    ("kept", "papers kept"),
    ("train", "for training"),
    ("val", "for validation"),
    ("test", "for test"),
    ("labels", "labels"),
    ("distinct_words_train", "distinct words in training"),
)
_METRICS: Final = (
    ("micro_f1", "F1 over all suggestions"),
    ("macro_f1", "mean F1 over all labels, rare ones too"),
    ("precision@1", "first suggestion is right"),
    ("precision@3", "right among the first three"),
    ("precision@5", "right among the first five"),
    ("ndcg@5", "ranking of the first five"),
    ("lrap", "ranking of all labels"),
    ("binary_accuracy", "cells right at 0.5; says little"),
    ("threshold", "suggested from here on; tuned on validation"),
    ("examples", "test papers"),
)
_SHOWN_EXAMPLES: Final = 3
_SHOWN_SUGGESTIONS: Final = 3
_SHOWN_CHARACTERS: Final = 280


def show_curation(console: Console, counts: Mapping[str, int]) -> None:
    """Shows the counts of the curation steps."""
    table = Table("", "Curation", box=None, pad_edge=False, header_style="bold")
    table.columns[0].justify = "right"
    for key, meaning in _CURATION:
        table.add_row(f"{counts[key]:,}", meaning)
    console.print(table)


def show_results(console: Console, result: RunResult, output: Path) -> None:
    """Shows the counts, the metrics, where the model is, and three test papers.

    Of a model that can't be served there is only where to look.
    """
    from components.evaluator.gate import read_gate
    from pipeline.local.node_facts import read_json

    console.print()
    show_curation(console, read_json(output / names.CURATION_FILE))
    console.print()
    if result.metrics:
        _show_metrics(console, result)
        console.print()
        show_gate(console, read_gate(result.nodes["Evaluator"].artifact("evaluation").uri))
        _show_papers(console, result)
    pushed = result.nodes["Pusher"].artifact("pushed_model")
    if pushed.get_int_custom_property("pushed"):
        where = pushed.get_string_custom_property("pushed_destination")
        console.print(f"[bold]Model[/]    {where}", soft_wrap=True)
    if result.metrics:
        console.print(f"[bold]Metrics[/]  {output / 'metrics.json'}", soft_wrap=True)
    page = output / names.REPORT_DIR / names.REPORT_PAGE_FILE
    console.print(f"[bold]Report[/]   {page}", soft_wrap=True)
    console.print(f"[bold]Plots[/]    {output / names.PLOTS_DIR}", soft_wrap=True)
    console.print(f"[bold]Log[/]      {result.log}", soft_wrap=True)


def _show_metrics(console: Console, result: RunResult) -> None:
    table = Table("", "Test metric", "", box=None, pad_edge=False, header_style="bold")
    table.columns[0].justify = "right"
    for key, meaning in _METRICS:
        value = result.metrics[key]
        shown = f"{value:,}" if key == "examples" else f"{value:.4f}"
        table.add_row(shown, key, f"[dim]{meaning}[/]")
    console.print(table)


def show_gate(console: Console, rows: Sequence[GateRow]) -> None:
    """Shows each bound of the gate, what was reached, and the verdict.

    Args:
        console: Where to.
        rows: What `components.evaluator.gate.read_gate` returns.
    """
    table = Table(
        "Gate", "candidate", "last blessed", "bound", "", box=None, pad_edge=False,
        header_style="bold",
    )  # fmt: skip
    for column in table.columns[1:4]:
        column.justify = "right"
    for row in rows:
        table.add_row(
            escape(row.metric.replace("_examples", " examples")),
            f"{row.candidate:,.{row.digits}f}",
            "" if row.baseline is None else f"{row.baseline:.{row.digits}f}",
            escape(row.bound_in_words),
            "[green]✓ passed[/]" if row.passed else "[red]✗ refused[/]",
        )
    console.print(table)
    if all(row.baseline is None and not row.left_out for row in rows):
        console.print("[dim]No model was blessed before: there is none to compare with.[/]")
    left_out = max((row.left_out for row in rows), default=0)
    if left_out:
        console.print(
            f"[dim]The last blessed model was trained on {left_out:,} of the test papers: they are "
            "left out where it is compared.[/]"
        )


def _show_papers(console: Console, result: RunResult) -> None:
    from pipeline.local.node_facts import served_model

    console.print("\n[bold]Three test papers[/]  [dim](* is suggested)[/]")
    examples = Path(result.nodes["CsvExampleGen"].artifact("examples").uri) / f"Split-{names.TEST}"
    with _quiet():
        papers = _read_papers(examples)
        texts = [paper.text for paper in papers]
        suggestions = load_model(str(served_model(result.nodes["Trainer"]))).suggest(texts)
    for paper, labels in zip(papers, suggestions, strict=True):
        console.print(f"\n  [bold]{escape(_one_line(paper.title))}[/]")
        console.print(f"  [dim]{escape(_one_line(paper.abstract))}[/]")
        console.print(f"  true: {escape(', '.join(paper.labels))}")
        best = "   ".join(_describe(each) for each in labels[:_SHOWN_SUGGESTIONS])
        console.print(f"  top {_SHOWN_SUGGESTIONS}: {escape(best)}")
    console.print()


def show_suggestions(console: Console, text: str, labels: Sequence[Suggestion]) -> None:
    """Shows a text's labels, best first, those over the threshold marked."""
    console.print(f"[bold]{escape(_one_line(text))}[/]")
    for each in labels:
        mark = "[green]*[/]" if each.suggested else " "
        bar = "█" * round(each.score * 20)
        console.print(f"  {mark} {each.score:6.3f}  {escape(each.label):<16} [cyan]{bar}[/]")


def suggest_quietly(model: str, texts: Sequence[str]) -> list[list[Suggestion]]:
    """Loads a model and suggests labels, with TensorFlow's chatter kept off the terminal."""
    with _quiet():
        return load_model(model).suggest(texts)


def fetch_with_progress(url: str, folder: Path, console: Console) -> Path:
    """Downloads a data file into a folder and shows how far it is."""
    from pipeline.local.download import fetch

    with Progress(
        TextColumn("Downloading"), BarColumn(), DownloadColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("download", total=None)

        def update(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        path = fetch(url, folder, update)
    console.print(f"[green]✓[/] {url} is at {os.fspath(path)}", soft_wrap=True)
    return path


@contextmanager
def _quiet() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, output_to_log(Path(folder) / "log"):
        yield


def _read_papers(split: Path) -> list[RawPaper]:
    from components.example_gen.examples import parse_example, raw_examples

    records = raw_examples(str(split)).take(_SHOWN_EXAMPLES)
    return [parse_example(record) for record in records.as_numpy_iterator()]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…"


def _describe(suggestion: Suggestion) -> str:
    return f"{suggestion.label} {suggestion.score:.2f}{'*' if suggestion.suggested else ''}"
