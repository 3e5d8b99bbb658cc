"""Profiles, overrides, and what is said of a wrong setting."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from components.metrics.names import METRIC_NAMES
from pipeline.config import Config, load_config, profile_names
from schema.errors import UsageError


def test_the_keras_example_has_the_examples_values():
    """Each value as the example's page has it; the two named differences aside."""
    config = load_config("keras_example")
    expected = {
        "features": {"input": "abstract", "max_tokens": 153_338, "ngrams": 2, "weighting": "keras"},
        "trainer": {
            "hidden_units": (512, 256),
            "dropout": 0.0,
            "optimizer": "adam",
            "learning_rate": 0.001,
            "lr_schedule": "constant",
            "batch_size": 128,
            "epochs": 20,
            "patience": None,
        },
        "data": {
            "columns": {"title": "titles", "text": "summaries", "labels": "terms", "split": None},
            "label_separator": None,
            "min_label_set_count": 2,
            "validation_share": 0.05,
            "test_share": 0.05,
        },
        "gate": {"floors": {}, "max_drop": {}},
    }
    for section, settings in expected.items():
        found = config.model_dump()[section]
        assert {name: found[name] for name in settings} == settings


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("trainer.epochs=7", "trainer", "epochs", 7),
        (" trainer.epochs = 7 ", "trainer", "epochs", 7),
        ("trainer.learning_rate=1e-3", "trainer", "learning_rate", 0.001),
        ("trainer.learning_rate=2.5E-4", "trainer", "learning_rate", 0.00025),
        ("trainer.learning_rate=1", "trainer", "learning_rate", 1.0),
        ("trainer.hidden_units=[64, 32]", "trainer", "hidden_units", (64, 32)),
        ("trainer.patience=null", "trainer", "patience", None),
        ("features.max_tokens=3_000", "features", "max_tokens", 3000),
        ("gate.floors={micro_f1: 0.2}", "gate", "floors", {"micro_f1": 0.2}),
        ("gate.min_examples=30", "gate", "min_examples", 30),
        ("data.label_separator=;", "data", "label_separator", ";"),
        ("data.label_separator='='", "data", "label_separator", "="),
        ("data.label_separator='|'", "data", "label_separator", "|"),
        *((f"data.label_separator={typed}", "data", "label_separator", typed) for typed in "|,# '"),
        (r"data.label_separator=\t", "data", "label_separator", "\t"),
        (r'data.label_separator="\t"', "data", "label_separator", "\t"),
        (
            "deploy.schedule={cron: 0 3 1 * *}",
            "deploy",
            "schedule",
            {"cron": "0 3 1 * *", "time_zone": "UTC", "most_at_once": 1},
        ),
        ("serving.top_k=3", "serving", "top_k", 3),
        ("beam.mode=multi_processing", "beam", "mode", "multi_processing"),
    ],
)
def test_an_override_changes_one_setting(override, section, key, value):
    before = load_config("sample").model_dump()
    after = load_config("sample", [override]).model_dump()
    assert after[section].pop(key) == value
    before[section].pop(key)
    assert after == before


def test_overrides_reach_into_sections_and_the_last_one_wins():
    config = load_config(
        "sample",
        [
            "data.columns.title=name",
            "data.columns.split=part",
            "gate.floors.lrap=0.1",
            "trainer.epochs=2",
            "trainer.epochs=4",
        ],
    )
    assert (config.data.columns.title, config.data.columns.split) == ("name", "part")
    assert config.data.columns.text == "summaries"
    assert config.gate.floors == {"micro_f1": 0.5, "lrap": 0.1}
    assert config.trainer.epochs == 4


# What is set, and what is said of it.
WRONG = """
trainer.epoch=3 -> trainer.epoch: there is no such setting; did you mean `trainer.epochs`?
training.epochs=3 -> training: there is no such setting; did you mean `trainer`?
trainer.ngrams=3 -> trainer.ngrams: there is no such setting; did you mean `features.ngrams`?
data.columns.body=text -> data.columns.body: there is no such setting
gate.floors.f1=1 -> gate.floors.f1: there is no such metric; choose from {metrics}
gate.floors.ece=1 -> gate.floors.ece: lower is better, so bound it in gate.ceilings or {lower}
gate.ceilings.lrap=1 -> gate.ceilings.lrap: higher is better, so bound it in gate.floors or {higher}
gate.max_drop.ece=0 -> gate.max_drop.ece: must be {compared}, got "ece"
gate.slice_floors.year.x.lrap=0 -> gate.slice_floors.year: there is no such slice; {slices}
gate.slice_floors.archive.cs=1 -> gate.slice_floors.archive.cs: must be a mapping, got 1
gate.slice_floors.rarest_label.odd={{}} -> gate.slice_floors.rarest_label.odd: {odd}
gate.floors.micro_f1=60 -> gate.floors.micro_f1: must be from 0 to 1, got 60
gate.slice_floors.archive.cs.lrap=2 -> gate.slice_floors.archive.cs.lrap: must be from 0 to 1, got 2
gate.ceilings.missed=-1 -> gate.ceilings.missed: must be 0 or more, got -1
gate.max_drop.lrap=5 -> gate.max_drop.lrap: must be from 0 to 1, got 5
gate.max_drop.lrap=-0.05 -> gate.max_drop.lrap: must be from 0 to 1, got -0.05
gate.slice_ceilings.archive.cs.lrap=1 -> gate.slice_ceilings.archive.cs.lrap: higher is better, {so}
trainer.epochs=many -> trainer.epochs: must be a whole number, got "many"
trainer.epochs=5.0 -> trainer.epochs: must be a whole number, got 5.0
trainer.epochs=true -> trainer.epochs: must be a whole number, got true
trainer.epochs= -> trainer.epochs: must be a whole number, got null
trainer.epochs=010 -> trainer.epochs: must be a whole number, got "010"
trainer.epochs=1:30 -> trainer.epochs: must be a whole number, got "1:30"
trainer.epochs=2020-01-01 -> trainer.epochs: must be a whole number, got "2020-01-01"
trainer.learning_rate='0.1' -> trainer.learning_rate: must be a number, got "0.1"
trainer.learning_rate=.nan -> trainer.learning_rate: must be a finite number, got NaN
trainer.mixed_precision=1 -> trainer.mixed_precision: must be true or false, got 1
trainer.hidden_units=64 -> trainer.hidden_units: must be a list, got 64
trainer.hidden_units=[] -> trainer.hidden_units: must be a list of at least 1, got []
trainer.hidden_units=[0] -> trainer.hidden_units.0: must be greater than 0, got 0
data.field_separator= -> data.field_separator: must have at least 1 character, got ""
trainer=3 -> trainer: must be a mapping, got 3
gate.floors=[1] -> gate.floors: must be a mapping, got [1]
trainer.optimizer=sgd -> trainer.optimizer: must be 'adam' or 'lazy_rms', got "sgd"
trainer.epochs=0 -> trainer.epochs: must be at least 1, got 0
trainer.dropout=1 -> trainer.dropout: must be less than 1.0, got 1
deploy.bucket=b -> deploy.bucket: must match the pattern ^gs://[^/]+(/[^/]+)*$, got "b"
beam.runner=samza -> beam.runner: must be 'direct', 'dataflow', 'flink' or 'spark', got "samza"
beam.arguments=[x] -> beam.arguments.0: must match the pattern ^--[A-Za-z], got "x"
features.text=abstract -> `features.text` is now `features.input`
trainer.members=2 -> `trainer.members` is now `trainer.ensemble_size`
trainer.bias_start=prior -> `trainer.bias_start` is now `trainer.output_bias_init`
trainer.decay=linear -> `trainer.decay` is now `trainer.lr_schedule`
trainer.served_kernel=int8 -> `trainer.served_kernel` is now `trainer.first_layer_dtype`
trainer.monitor=val_lrap -> `trainer.monitor` was removed: {monitor}
trainer.rare_label_papers=9 -> `trainer.rare_label_papers` was removed: {rare}
trainer.threshold_shrinkage=9 -> `trainer.threshold_shrinkage` was removed: {shrinkage}
trainer.thresholds=auto -> `trainer.thresholds: auto` was removed: {per_label}
trainer.thresholds=per_label -> `trainer.thresholds: per_label` was removed: {per_label}
""".strip().format(
    metrics=", ".join(name for name in METRIC_NAMES if name != "examples"),
    lower="gate.slice_ceilings",
    higher="gate.slice_floors",
    so="so bound it in gate.floors or gate.slice_floors",
    compared="'micro_f1', 'macro_f1', 'precision@1', 'ndcg@5', 'lrap' or 'binary_accuracy'",
    slices="choose from archive, number_of_labels, abstract_words, rarest_label",
    odd="there is no such slice; choose from 'frequent', 'rare'",
    monitor="early stopping always watches validation LRAP",
    rare="`trainer.rare_label_weight` always fades over 200 papers",
    shrinkage="it tuned per-label thresholds, which suggested worse than one for all labels",
    per_label="thresholds of its own for each label suggested worse than one for all on 5 of 6 "
    "splits; choose 'global' or 'half_f1'",
)


@pytest.mark.parametrize("line", WRONG.splitlines())
def test_a_wrong_setting_is_explained(line):
    override, _, message = line.partition(" -> ")
    with pytest.raises(UsageError) as raised:
        load_config("sample", [override])
    assert str(raised.value).splitlines() == [
        "The configuration (profile sample) is not valid:",
        f"  {message}",
    ]


def test_a_bound_by_baselines_needs_baselines():
    with pytest.raises(UsageError) as raised:
        load_config("default", ["baselines.enabled=[]"])
    assert str(raised.value).splitlines()[1].startswith("  gate.max_drop_from_baseline compares")
    load_config("default", ["baselines.enabled=[]", "gate.max_drop_from_baseline={}"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.epochs", "must read section.key=value"),
        ("=3", "must read section.key=value"),
        ("trainer..epochs=3", "must read section.key=value"),
        ("trainer.epochs={", "not valid YAML"),
        ("trainer.epochs.more=3", "'epochs' is a setting, not a section"),
    ],
)
def test_a_malformed_override_is_named(override, message):
    with pytest.raises(UsageError, match=message) as raised:
        load_config("sample", [override])
    assert repr(override) in str(raised.value)


@pytest.mark.parametrize(
    "typed", ["yes", "1", "2020-01-01", "# of topics", "[a]", "a: b", "=", "*"]
)
def test_a_text_setting_is_what_was_typed(typed):
    config = load_config("sample", [f"data.columns.text={typed}", f"data.columns.title= {typed} "])
    assert (config.data.columns.text, config.data.columns.title) == (typed, typed)


def test_null_is_a_word_where_a_setting_can_not_be_null():
    columns = load_config(
        "sample", ["data.columns.text=null", "data.columns.title=null"]
    ).data.columns
    assert (columns.text, columns.title) == ("null", None)


def test_the_configuration_is_frozen():
    config = load_config("default")
    for section, key, value in ((config, "trainer", None), (config.trainer, "epochs", 3)):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, value)


def test_what_is_written_is_read_back():
    """The components get their settings as JSON."""
    for name in profile_names():
        config = load_config(name)
        assert Config.model_validate_json(config.model_dump_json()) == config
