"""Gathers everything that the page shows from what the other components wrote."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.utils import path_utils

from components.baselines.results import read_baselines
from components.evaluator.gate import read_gate
from components.evaluator.results import read_figures, read_labels, read_slices
from components.metrics.names import ABSTRACT_ONLY, VOCABULARY_ONLY
from components.papers.raw_paper import RawPaper
from components.report import data_facts, drift, quality
from components.report.last_model import against_last
from components.report.scoring import read_test_papers, score
from components.report.settings import ReportSettings
from components.tuner.results import read_trials
from schema import names
from schema.words import Words
from serving.model_metadata import ModelMetadata
from serving.predict import Predictor
from serving.suggestion import Suggestions

_PACKAGES: Final = ("arxiv-tagger", "tensorflow", "keras", "tfx", "apache-beam", "scikit-learn")

Facts = dict[str, Any]


def gather(
    folders: Mapping[str, str],
    blessed: bool,
    version: str | None,
    provenance: Mapping[str, Any],
    settings: ReportSettings,
) -> Facts:
    """Gathers the facts, ready for JSON and for `components.report.page`.

    For a model that can't be served, and so was not measured, there are only the reasons, the
    data and the model card.

    Args:
        folders: Those of the component's inputs, by key; `last_statistics` and `tuner_results` may
            be missing, and so may `last_model`, the last blessed Model artifact.
        blessed: Whether the model passed the gate.
        version: The version that serves this model; None if it was not pushed.
        provenance: What the report can't find out by itself: the name of the `data`, the git
            `commit` of the code (empty if it is not a checkout), whether the code is `changed`
            from that, and the `settings` of every section.
        settings: How the report measures.
    """
    words = Words.of_settings(provenance["settings"])
    splits = {split: f"{folders['examples']}/Split-{split}" for split in names.SPLITS}
    facts: Facts = {
        "name": names.MODEL_NAME,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "data": {
            "curation": _read_json(f"{folders['curation']}/{names.CURATION_FILE}"),
            "left_out": _read_json(f"{folders['curation']}/{names.LEFT_OUT_FILE}"),
            **data_facts.describe_splits(splits),
            "drift": _drift(folders.get("last_statistics"), folders["statistics"]),
        },
        "card": {**provenance, **_card(settings, words)},
    }
    reasons = _why_not_evaluated(folders["evaluation"], folders["infra_blessing"])
    if reasons is not None:
        # Nothing of such a model may be there to be read.
        verdict = {"state": "not_evaluated", "reasons": reasons, "version": None}
        return {**facts, "verdict": verdict}
    saved_model = path_utils.serving_model_path(folders["model"])
    model = ModelMetadata(saved_model, fileio.open)
    gate = read_gate(folders["evaluation"])
    return {
        **facts,
        "verdict": {
            "state": "blessed" if blessed else "refused",
            "reasons": [] if blessed else [words.of(str(row)) for row in gate if not row.passed],
            "version": version if blessed else None,
        },
        "model": {
            "labels": len(model.labels),
            "ngrams": model.ngrams,
            "threshold": model.threshold,
            "thresholds": model.threshold_kind,
        },
        "training": {
            "epochs": _read_epochs(folders["model_run"]),
            "kept_epoch": model.kept_epoch,
            "summary": _read_text(f"{folders['model_run']}/{names.MODEL_SUMMARY_FILE}"),
        },
        "tuning": read_trials(folders["tuner_results"]) if "tuner_results" in folders else None,
        "gate": [
            {
                **asdict(row),
                "digits": row.digits,
                "bound_in_words": row.bound_in_words,
                "is_floor": row.is_floor,
            }
            for row in gate
        ],
        **_evaluator_facts(folders["evaluation"]),
        **_test_facts(folders, saved_model, model, settings, provenance),
    }


def _evaluator_facts(evaluation: str) -> Facts:
    parts: dict[str, Facts] = {"": {}, ABSTRACT_ONLY: {}, VOCABULARY_ONLY: {}}
    for name, value in read_figures(evaluation).items():
        prefix, slash, metric = name.rpartition("/")
        parts[prefix + slash][metric] = value
    return {
        "figures": parts[""],
        "abstract_only": parts[ABSTRACT_ONLY],
        "vocabulary_only": parts[VOCABULARY_ONLY],
        "labels": read_labels(evaluation),
        "slices": read_slices(evaluation),
    }


def _test_facts(
    folders: Mapping[str, str],
    saved_model: str,
    model: ModelMetadata,
    settings: ReportSettings,
    provenance: Mapping[str, Any],
) -> Facts:
    test = f"{folders['examples']}/Split-{names.TEST}"
    papers = read_test_papers(test, settings.max_papers, settings.seed)
    loaded = tf.saved_model.load(saved_model)
    own = score(loaded, model, papers)
    predictor = Predictor(Path(saved_model), loaded, {})
    reads_titles = provenance["settings"].get("features", {}).get("input") != "abstract"

    def explain(paper: RawPaper) -> Suggestions:
        text = paper.text if reads_titles else paper.abstract
        return predictor.suggest([text], explain=True)[0]

    last = folders.get("last_model")
    baselines = read_baselines(folders["baselines"])
    others = {
        name: quality.align(each, model.labels, papers.rows, own)
        for name, each in baselines.items()
    }
    return {
        "test": {
            "papers": papers.total,
            "scored": len(papers.records),
            "resamples": settings.bootstrap_samples,
            "level": settings.level,
        },
        "headline": quality.headline(own, others, settings),
        "baselines": [
            {
                "name": name,
                "threshold": each.threshold,
                "papers": each.trained_on,
                "figures": each.figures,
            }
            for name, each in baselines.items()
        ],
        "curves": quality.curves(own, others),
        **quality.calibration(own, settings.level),
        "errors": quality.errors(own),
        "confusion": quality.confusion(own, model.labels),
        "against_last": last and against_last(own, model.labels, papers, last, settings.level),
        "matrix": quality.matrix(own, model.labels),
        "right": quality.right_papers(own, model.labels, papers.records, settings.wrong_papers),
        "wrong": quality.wrong_papers(
            own, model.labels, papers.records, settings.wrong_papers, explain
        ),
    }


def _why_not_evaluated(evaluation: str, infra_blessing: str) -> list[str] | None:
    """Returns why the model was not measured; None if it was."""
    if not fileio.exists(f"{evaluation}/{names.NOT_EVALUATED_FILE}"):
        return None
    checks = _read_json(f"{infra_blessing}/{names.INFRA_REPORT_FILE}")["checks"]
    return [
        f"{check['name']}: {check['message']}" for check in checks if check["result"] == "failed"
    ]


def _drift(before: str | None, now: str) -> Facts:
    if before is None:
        return {"state": "first"}
    if before == now:
        return {"state": "same"}
    compared = drift.compare(drift.read_statistics(before), drift.read_statistics(now))
    return {"state": "compared", **compared}


def _read_epochs(model_run: str) -> list[Facts]:
    """Returns the metrics at the end of every epoch."""
    lines = _read_text(f"{model_run}/{names.EPOCHS_FILE}").splitlines()
    found = [json.loads(line) for line in lines if line]
    return [line for line in found if "step" not in line]


def _read_text(path: str) -> str:
    """Returns the content of a file; nothing if it is missing."""
    if not fileio.exists(path):
        return ""
    with fileio.open(path, "rb") as file:
        return str(file.read(), "utf-8")


def _card(settings: ReportSettings, words: Words) -> Facts:
    versions = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    own = ReportSettings()
    return {
        "intended_use": words.of(own.intended_use)
        if settings.intended_use == own.intended_use
        else settings.intended_use,
        "limits": [words.of(each) if each in own.limits else each for each in settings.limits],
        "versions": versions,
    }


def _read_json(path: str) -> Any:
    with fileio.open(path, "r") as file:
        return json.loads(file.read())
