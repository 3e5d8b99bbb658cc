"""What `run` shows when it is done: counts, metrics, the gate, three test papers, or a refusal."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from components.example_gen.curation_report import CurationReport, warnings
from components.metrics.names import METRICS, VOCABULARY_ONLY
from pipeline.cli.curation_table import show_curation, show_warnings
from pipeline.cli.suggestions import one_line
from pipeline.local.output_folder import OutputFolder
from pipeline.local.output_redirect import output_dropped
from pipeline.local.results import METRICS_FILE, infra_report, is_blessed, read_json, served_model
from pipeline.terminal import Terminal, styled
from schema import names
from schema.errors import RefusedError
from schema.words import Words
from serving.predict import load_model

if TYPE_CHECKING:
    from components.evaluator.gate import GateRow
    from components.example_gen.settings import DataSettings
    from pipeline.local.run import RunResult

_SHOWN_METRICS: Final = (
    "micro_f1", "macro_f1", "precision@1", "precision@3", "precision@5", "ndcg@5", "lrap",
    "missed", "extra", "labels_found", "labels_half_found", "ece_suggested", "binary_accuracy",
    "threshold", "examples",
)  # fmt: skip
_SHOWN_EXAMPLES: Final = 3
_SHOWN_SUGGESTIONS: Final = 3
# How much of a failed check's message is shown: it may be the log of a server.
_SHOWN_WIDTH: Final = 400


def show_results(
    console: Terminal, result: RunResult, output: Path, settings: DataSettings
) -> None:
    """Shows what came of a run; of a model that can't be served, only where to look."""
    console.print()
    counts = read_json(output / names.CURATION_FILE)
    show_curation(console, counts)
    show_warnings(console, warnings(CurationReport(**counts), settings))
    console.print()
    if "Tuner" in result.nodes:
        _show_trials(console, str(result.nodes["Tuner"].folder("tuner_results")))
    if result.metrics:
        _show_metrics(console, result)
        console.print()
        show_gate(console, result.gate)
        _show_papers(console, result)
    pushed = result.nodes["Pusher"].artifact("pushed_model")
    if pushed.get_int_custom_property("pushed"):
        version = Path(pushed.get_string_custom_property("pushed_destination")).name
        console.say(("Model", "bold"), f"    {OutputFolder(output).serving / version}")
    if result.metrics:
        console.say(("Metrics", "bold"), f"  {output / METRICS_FILE}")
    page = output / names.REPORT_DIR / names.REPORT_PAGE_FILE
    console.say(("Report", "bold"), f"   {page}")
    console.say(("Plots", "bold"), f"    {output / names.PLOTS_DIR}")
    console.say(("Log", "bold"), f"      {result.log}")


def refuse_unblessed(result: RunResult, words: Words) -> None:
    """Raises where the infrastructure check or the gate refused the model.

    Raises:
        RefusedError: The message names each check that failed, or figure that fell short.
    """
    report = infra_report(result.nodes["InfraValidator"])
    if not report["passed"]:
        folder = result.nodes["InfraValidator"].folder("blessing")
        reasons = "\n".join(
            f"  {check['name']}: {textwrap.shorten(check['message'], _SHOWN_WIDTH)}"
            for check in report["checks"]
            if check["result"] == "failed"
        )
        raise RefusedError(
            f"The model can't be served ({report['server']}); nothing was pushed:\n{reasons}\n"
            f"All checks are in {folder / names.INFRA_REPORT_FILE}, and the server's output in "
            f"{names.SERVER_LOG_FILE} beside it. Fix what the model is exported from: another run "
            "with the same data, settings and code gives the same result."
        )
    if not is_blessed(result.nodes["Evaluator"]):
        reasons = "\n".join(f"  {words.of(str(row))}" for row in result.gate if not row.passed)
        raise RefusedError(
            f"The gate refused the model; nothing was pushed:\n{reasons}\n"
            "Train a better one, or change the bounds in the profile's `gate` section."
        )


def _show_trials(console: Terminal, folder: str) -> None:
    # Loads TFX.
    from components.tuner.results import read_trials, trial_table

    heads, *rows = trial_table(read_trials(folder))
    table = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(styled, row))
    console.print(table)
    console.print()


def _show_metrics(console: Terminal, result: RunResult) -> None:
    table = Table("", "Test metric", "", box=None, pad_edge=False, header_style="bold")
    table.columns[0].justify = "right"
    for name in _SHOWN_METRICS:
        metric = METRICS[name]
        value = format(result.metrics[name], metric.format)
        table.add_row(value, name, styled((console.words.of(metric.meaning), "dim")))
    console.print(table)
    prefix = VOCABULARY_ONLY
    alone = [name for name in _SHOWN_METRICS if prefix + name in result.metrics]
    if any(result.metrics[name] != result.metrics[prefix + name] for name in alone):
        figures = ", ".join(f"{name} {result.metrics[prefix + name]:.4f}" for name in alone)
        note = f"True labels outside the vocabulary count as missed; without them: {figures}"
        console.say((note, "dim"))


def show_gate(console: Terminal, rows: Sequence[GateRow]) -> None:
    """Shows each bound of the gate, the figure it was compared with, and the verdict.

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
            row.metric.replace("_examples", " examples") + (f" ({row.slice})" if row.slice else ""),
            f"{row.candidate:,.{row.digits}f}",
            "" if row.baseline is None else f"{row.baseline:,.{row.digits}f}",
            row.bound_in_words,
            styled(("✓ passed", "green") if row.passed else ("✗ refused", "red")),
        )
    if not any(row.is_floor for row in rows):
        table.add_row("no floor", "", "", "gate.floors is empty", "")
    console.print(table)
    if all(row.baseline is None and not row.left_out for row in rows):
        console.say(("There is no earlier blessed model to compare with.", "dim"))
    left_out = max((row.left_out for row in rows), default=0)
    if left_out:
        note = (
            f"The last blessed model was trained on {left_out:,} of the test papers; only its "
            f"values on the other {rows[0].papers - left_out:,} are compared and shown."
        )
        console.say((console.words.of(note), "dim"))


def _show_papers(console: Terminal, result: RunResult) -> None:
    from components.papers.examples import read_papers

    heading = console.words.of("\nThree test papers")
    console.say((heading, "bold"), "  ", ("(* marks a suggested label)", "dim"))
    examples = result.nodes["CsvExampleGen"].folder("examples") / f"Split-{names.TEST}"
    with output_dropped():
        papers = list(itertools.islice(read_papers(str(examples)), _SHOWN_EXAMPLES))
        texts = [paper.text for paper in papers]
        suggestions = load_model(str(served_model(result.nodes["Trainer"]))).suggest(texts)
    for paper, labels in zip(papers, suggestions, strict=True):
        console.print(styled("\n  ", (one_line(paper.title), "bold")) if paper.title else "")
        console.print(styled("  ", (one_line(paper.abstract), "dim")))
        true = (*paper.labels, *paper.left_out)
        console.print(f"  true: {', '.join(true) or 'none'}")
        best = (
            f"{each.label} {each.score:.2f}{'*' if each.suggested else ''}"
            for each in labels[:_SHOWN_SUGGESTIONS]
        )
        console.print(f"  top {_SHOWN_SUGGESTIONS}: {'   '.join(best)}")
    console.print()
