"""Profiles, overrides, and what is said of a wrong setting."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.beam_settings import BeamSettings
from pipeline.config import Config, load_config, profile_names
from schema.errors import UsageError


def test_every_profile_loads():
    assert profile_names() == ["cloud_example", "default", "keras_example", "sample"]
    for name in profile_names():
        assert isinstance(load_config(name), Config)


def test_the_keras_example_has_the_examples_values():
    """Each value as the example's page has it; the two named differences aside."""
    config = load_config("keras_example")
    assert config.features.input == "abstract"
    assert config.features.max_tokens == 153_338
    assert config.features.ngrams == 2
    assert config.features.weighting == "keras"
    trainer = config.trainer
    assert trainer.hidden_units == (512, 256)
    assert trainer.dropout == 0.0
    assert trainer.optimizer == "adam"
    assert trainer.learning_rate == 0.001
    assert trainer.lr_schedule == "constant"
    assert trainer.batch_size == 128
    assert trainer.epochs == 20
    assert trainer.patience is None
    data = config.data
    assert (data.columns.title, data.columns.text, data.columns.labels, data.columns.split) == (
        "titles",
        "summaries",
        "terms",
        None,
    )
    assert data.label_separator is None
    assert data.min_label_set_count == 2
    assert (data.validation_share, data.test_share) == (0.05, 0.05)
    assert config.gate.floors == config.gate.max_drop == {}
    lazy = load_config("keras_example", ["trainer.optimizer=lazy_adam"])
    assert lazy.trainer.optimizer == "lazy_adam"


@pytest.mark.parametrize("name", ["default", "sample"])
def test_the_trained_profiles_have_a_gate(name):
    gate = load_config(name).gate
    assert gate.floors["micro_f1"] >= 0.5
    assert set(gate.max_drop) >= {"micro_f1", "lrap"}


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


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.epoch=3", r"trainer\.epoch: there is no such setting"),
        ("training.epochs=3", r"training: there is no such setting"),
        ("data.columns.body=text", r"data\.columns\.body: there is no such setting"),
        ("gate.floors.accuracy=0.5", r"gate\.floors\.accuracy"),
        ("trainer.epochs=many", r"trainer\.epochs: .*integer, got 'many'"),
        ("trainer.epochs=5.0", r"trainer\.epochs: .*integer, got 5\.0"),
        ("trainer.epochs=true", r"trainer\.epochs: .*integer, got True"),
        ("trainer.epochs=", r"trainer\.epochs: .*integer, got None"),
        ("trainer.epochs=2020-01-01", r"trainer\.epochs: .*integer, got '2020-01-01'"),
        ("trainer.learning_rate='0.1'", r"trainer\.learning_rate: .*number, got '0\.1'"),
        ("trainer.hidden_units=64", r"trainer\.hidden_units: "),
        ("data.columns.text=5", r"data\.columns\.text: .*string, got 5"),
        ("trainer=3", r"trainer: .*got 3"),
        ("trainer.optimizer=sgd", r"trainer\.optimizer: .*'adam' or 'lazy_adam', got 'sgd'"),
        ("trainer.epochs=0", r"trainer\.epochs: .*greater than or equal to 1, got 0"),
        ("trainer.dropout=1", r"trainer\.dropout: .*less than 1, got 1"),
        ("trainer.learning_rate=.nan", r"trainer\.learning_rate: "),
        ("features.max_tokens=1", r"features\.max_tokens: "),
        ("data.test_share=0.5", r"data\.test_share: "),
        ("data.seed=-1", r"data\.seed: "),
        ("serving.top_k=0", r"serving\.top_k: "),
        ("gate.min_examples=0", r"gate\.min_examples: "),
        ("beam.workers=-1", r"beam\.workers: "),
    ],
)
def test_a_wrong_setting_is_named(override, message):
    with pytest.raises(UsageError, match=rf"profile sample[^\0]*{message}"):
        load_config("sample", [override])


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(UsageError) as raised:
        load_config("sample", ["trainer.epochs=0", "trainer.bogus=1", "serving.top_k=x"])
    for key in ("trainer.epochs", "trainer.bogus", "serving.top_k"):
        assert key in str(raised.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.epochs", "must read section.key=value"),
        ("=3", "must read section.key=value"),
        ("trainer..epochs=3", "must read section.key=value"),
        ("trainer.epochs={", "not valid YAML"),
        ("trainer.epochs.more=3", "'epochs' is a value, not a section"),
    ],
)
def test_a_malformed_override_is_told(override, message):
    with pytest.raises(UsageError, match=message) as raised:
        load_config("sample", [override])
    assert repr(override) in str(raised.value)


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_profile_may_be_a_file(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    path.write_text("trainer: {epochs: 9, learning_rate: 1e-2}\ndata:\n  label_separator: ';'\n")
    config = load_config(str(path), ["trainer.batch_size=16"])
    assert (config.trainer.epochs, config.trainer.batch_size) == (9, 16)
    assert config.trainer.learning_rate == 0.01
    assert config.data.label_separator == ";"
    assert config.features == Config().features


def test_an_empty_profile_is_the_defaults(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing\n")
    assert load_config(str(path)) == Config()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"trainer: {epochs: ", "is not valid YAML"),
        (b"- trainer\n", "must hold sections"),
        (b"trainer: \xff\n", "Can't read"),
        (b"trainer:\n", r"trainer: .*got None"),
        (b"trainer: {epoch: 1}\n", r"trainer\.epoch: there is no such setting"),
        (b"trainer: !!python/object/apply:os.getcwd []\n", "is not valid YAML"),
    ],
)
def test_a_bad_file_is_told_with_its_path(tmp_path, content, message):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as raised:
        load_config(str(path))
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("profile", ["nosuch", "mine.txt", ""])
def test_an_unknown_profile_names_those_there_are(profile):
    with pytest.raises(UsageError, match=r"default, keras_example, sample, .*\.yaml file"):
        load_config(profile)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="Can't read the profile"):
        load_config(str(tmp_path / "none.yaml"))


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


def test_beam_gets_its_runner_by_name():
    """Later versions of Beam would choose one that has to be downloaded."""
    arguments = BeamSettings(mode="multi_threading", workers=2).pipeline_args()
    assert "--runner=DirectRunner" in arguments
    assert "--direct_running_mode=multi_threading" in arguments
    assert "--direct_num_workers=2" in arguments
