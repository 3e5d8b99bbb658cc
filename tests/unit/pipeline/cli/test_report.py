"""`arxiv-tagger report`."""

from __future__ import annotations

import json
import webbrowser

import pytest

from tests.support.command_line import flat, invoke

INTERVAL = {"value": 0.712, "low": 0.7011, "high": 0.7229}
AHEAD = {"value": 0.0312, "low": 0.0101, "high": 0.0512}
UNCLEAR = {"value": 0.01, "low": -0.01, "high": 0.03}
BEHIND = {"value": -0.0312, "low": -0.05, "high": -0.01}


@pytest.fixture
def report(tmp_path):
    """The output folder of a run with a report; its facts can be changed."""

    def write(**changes):
        baselines = {
            "frequent": {"value": 0.3, "difference": AHEAD},
            "linear_svc": {"value": 0.7, "difference": AHEAD},
        }
        facts = {
            "verdict": {"state": "blessed", "reasons": [], "version": "17"},
            "test": {"papers": 1_836, "scored": 1_000, "resamples": 500, "level": 0.9},
            "headline": [
                {"metric": "micro_f1", **INTERVAL, "baselines": baselines},
                {
                    "metric": "lrap",
                    **INTERVAL,
                    "baselines": {
                        **baselines,
                        "linear_svc": {"value": 0.8, "difference": BEHIND},
                    },
                },
            ],
            **changes,
        }
        folder = tmp_path / "report"
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text("page")
        (folder / "report.json").write_text(json.dumps(facts))
        return tmp_path

    return write


def test_report_shows_the_figures_beside_the_best_baseline(report):
    output = report()
    done = invoke("report", "--output", output)
    assert done.exit_code == 0, done.output
    lines = [flat(line) for line in done.output.splitlines()]
    assert lines[0] == "Passed the gate, pushed as version 17"
    assert "this model LinearSVC difference" in lines
    shown = "0.712 [0.701, 0.723]"
    assert f"micro-F1 {shown} 0.700 +0.031 [+0.010, +0.051] better" in lines
    assert f"LRAP {shown} 0.800 -0.031 [-0.050, -0.010] worse" in lines
    assert "most frequent: micro-F1 0.300, LRAP 0.300" in lines
    assert "In brackets: 90% interval over 500 resamples of 1,000 test papers." in lines
    assert f"Report {output / 'report' / 'index.html'}" in lines
    # It fits into a terminal.
    assert max(map(len, done.output.splitlines()[:6])) <= 80


@pytest.mark.parametrize("baselines", [{}, {"linear_svc": {"value": 0.7, "difference": UNCLEAR}}])
def test_report_with_an_unclear_difference_or_none(report, baselines):
    row = {"metric": "lrap", **INTERVAL, "baselines": baselines}
    done = invoke("report", "--output", report(headline=[row]))
    assert done.exit_code == 0, done.output
    assert "LRAP 0.712 [0.701, 0.723]" in flat(done.output)
    assert ("+0.010 [-0.010, +0.030] unclear" in flat(done.output)) is bool(baselines)
    assert ("difference" in done.output) is bool(baselines)


def test_report_of_a_refused_model_tells_why(report):
    verdict = {"state": "refused", "reasons": ["lrap [bold] is low"], "version": None}
    done = invoke("report", "--output", report(verdict=verdict))
    assert done.exit_code == 0
    assert "Refused by the gate" in done.output
    assert "lrap [bold] is low" in done.output
    assert "this model" in done.output


def test_report_of_a_model_that_was_not_measured_has_no_table(report):
    verdict = {"state": "not_evaluated", "reasons": ["answers: NaN"], "version": None}
    output = report(verdict=verdict)
    path = output / "report" / "report.json"
    path.write_text(json.dumps({"verdict": verdict}))
    done = invoke("report", "--output", output)
    assert done.exit_code == 0
    assert "answers: NaN" in done.output
    assert "this model" not in done.output
    assert "index.html" in done.output


def test_a_missing_or_broken_report_is_named(report, tmp_path):
    done = invoke("report", "--output", tmp_path)
    assert done.exit_code == 2
    assert f"There is no report in {tmp_path}" in flat(done.output)
    (report() / "report" / "report.json").write_text("{")
    done = invoke("report", "--output", tmp_path)
    assert done.exit_code == 3
    assert "report.json" in done.output


@pytest.mark.parametrize(("opens", "code"), [(True, 0), (False, 2)])
def test_report_opens_the_page_where_there_is_a_browser(report, monkeypatch, opens, code):
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) or opens)
    output = report()
    done = invoke("report", "--output", output, "--open")
    assert done.exit_code == code
    assert asked == [(output / "report" / "index.html").as_uri()]
    assert "0.712" in done.output
    invoke("report", "--output", output)
    assert len(asked) == 1


def test_report_speaks_of_what_the_profile_calls_its_rows(report):
    output = report(card={"settings": {"report": {"item": "ticket"}}})
    assert "1,000 test tickets" in flat(invoke("report", "--output", output).output)
