"""The graph: what depends on what, who reads which split, and that building it does nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tfx.dsl.compiler import compiler
from tfx.proto import trainer_pb2, transform_pb2
from tfx.utils import json_utils, proto_utils

from pipeline.code_version import CodeVersion
from pipeline.config import Config, load_config
from pipeline.graph import create_pipeline
from pipeline.local.node_summary import PURPOSES
from pipeline.places import Places
from pipeline.source_digest import source_files

ROOT = Path(__file__).resolve().parents[3]
NOWHERE = "/nowhere/that/exists"
PLACES = Places(
    input_base=f"{NOWHERE}/data",
    pattern="papers.csv",
    schema_dir=f"{NOWHERE}/schema",
    pipeline_root=f"{NOWHERE}/pipeline",
    serving_dir=f"{NOWHERE}/serving",
)


def build(*overrides: str, profile: str = "sample"):
    return create_pipeline(load_config(profile, overrides), PLACES)


@pytest.fixture(scope="module")
def components():
    return {component.id: component for component in build().components}


def order_of(pipeline) -> list[str]:
    return [
        entry.pipeline_node.node_info.id for entry in compiler.Compiler().compile(pipeline).nodes
    ]


def upstream(components, node: str) -> set[str]:
    """All nodes that a node waits for."""
    found: set[str] = set()
    waiting = [components[node]]
    while waiting:
        for parent in waiting.pop().upstream_nodes:
            if parent.id not in found:
                found.add(parent.id)
                waiting.append(parent)
    return found


def test_building_it_writes_nothing(components):
    assert components
    assert not Path("/nowhere").exists()


def test_a_run_on_this_machine_loads_no_client_library_of_google():
    """They take seconds at every start, and memory until its end."""
    program = (
        "import sys, pipeline.graph, pipeline.local.runner\n"
        "assert 'tfx.components' in sys.modules\n"
        "assert 'google.cloud.aiplatform' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_component_has_its_purpose_told(components):
    assert set(order_of(build())) == set(components) == PURPOSES.keys() - {"Tuner"}
    assert set(order_of(build("tuner.enabled=true"))) == set(PURPOSES)


def test_the_tuner_hands_its_best_values_to_trainer():
    tuned = {each.id: each for each in build("tuner.enabled=true").components}
    tuner, trainer = tuned["Tuner"], tuned["Trainer"]
    assert trainer.inputs["hyperparameters"] is tuner.outputs["best_hyperparameters"]
    assert tuned["Report"].inputs["tuner_results"] is tuner.outputs["tuner_results"]
    for key, output in (("examples", "transformed_examples"), ("transform_graph",) * 2):
        assert tuner.inputs[key] is trainer.inputs[key] is tuned["Transform"].outputs[output]
    assert "DataCheck" in upstream(tuned, "Tuner")
    # What is served changes no trial.
    changed = {each.id: each for each in build("tuner.enabled=true", "serving.top_k=3").components}
    assert changed["Tuner"].exec_properties == tuner.exec_properties
    assert changed["Trainer"].exec_properties != trainer.exec_properties


def test_nothing_is_trained_before_the_data_was_checked(components):
    assert {node.id for node in components["DataCheck"].upstream_nodes} == {"ExampleValidator"}
    for node in ("Transform", "Trainer", "InfraValidator", "Evaluator", "Pusher"):
        assert "DataCheck" in upstream(components, node)


def test_the_baselines_wait_for_the_check_unless_they_run_beside_it(components):
    assert "DataCheck" not in upstream(components, "Baselines")
    alone = {each.id: each for each in build("baselines.beside_training=false").components}
    assert "DataCheck" in upstream(alone, "Baselines")


def test_what_cannot_be_served_is_neither_measured_nor_pushed(components):
    infra = components["InfraValidator"]
    assert infra.inputs["model"] is components["Trainer"].outputs["model"]
    assert infra.inputs["examples"] is components["CsvExampleGen"].outputs["examples"]
    for node in ("Evaluator", "Pusher"):
        assert components[node].inputs["infra_blessing"] is infra.outputs["blessing"]


def test_nothing_is_pushed_before_it_was_evaluated(components):
    pusher = components["Pusher"]
    assert pusher.inputs["evaluation"] is components["Evaluator"].outputs["evaluation"]
    assert pusher.inputs["model_blessing"] is components["Evaluator"].outputs["blessing"]
    assert pusher.inputs["model"] is components["Trainer"].outputs["model"]
    push = json.loads(pusher.exec_properties["push_destination"])
    assert push == {"filesystem": {"base_directory": PLACES.serving_dir}}


def test_the_candidate_is_compared_with_the_last_blessed_model(components):
    evaluator = components["Evaluator"]
    assert evaluator.inputs["model"] is components["Trainer"].outputs["model"]
    assert "LastBlessedModel" in {node.id for node in evaluator.upstream_nodes}
    assert "LastBlessedModel" not in upstream(components, "Trainer")
    assert "Evaluator" not in upstream(components, "LastBlessedModel")


def test_the_baselines_read_what_the_model_reads():
    for text in ("abstract", "title_and_abstract"):
        pipeline = build(f"features.input={text}")
        (baselines,) = (each for each in pipeline.components if each.id == "Baselines")
        assert baselines.exec_properties["model_input"] == text
        assert "Trainer" not in {node.id for node in baselines.upstream_nodes}


def test_the_report_comes_last_and_reads_what_all_others_wrote(components):
    assert order_of(build())[-1] == "Report"
    assert upstream(components, "Report") == components.keys() - {"Report"}
    report = components["Report"]
    for key, (node, output) in {
        "examples": ("CsvExampleGen", "examples"),
        "curation": ("CsvExampleGen", "curation"),
        "statistics": ("StatisticsGen", "statistics"),
        "model": ("Trainer", "model"),
        "model_run": ("Trainer", "model_run"),
        "baselines": ("Baselines", "baselines"),
        "infra_blessing": ("InfraValidator", "blessing"),
        "evaluation": ("Evaluator", "evaluation"),
        "model_blessing": ("Evaluator", "blessing"),
        "pushed_model": ("Pusher", "pushed_model"),
    }.items():
        assert report.inputs[key] is components[node].outputs[output], key


def test_the_last_runs_statistics_are_found_before_there_are_new_ones(components):
    assert "LastStatistics" in {node.id for node in components["Report"].upstream_nodes}
    assert "LastStatistics" in upstream(components, "StatisticsGen")


def test_the_evaluator_waits_for_the_baselines_where_the_gate_compares_with_them(components):
    assert "Baselines" not in upstream(components, "Evaluator")
    default = {each.id: each for each in build(profile="default").components}
    assert "Baselines" in upstream(default, "Evaluator")
    assert "Baselines" not in upstream(default, "Trainer") | upstream(default, "InfraValidator")


def test_the_report_is_told_of_data_code_and_settings():
    config = load_config("sample", ["trainer.seed=5", "beam.workers=3"])
    pipeline = create_pipeline(config, PLACES, code=CodeVersion("abc", changed=True))
    (report,) = (each for each in pipeline.components if each.id == "Report")
    told = json.loads(report.exec_properties["provenance"])
    settings = {section: value for section, value in config if section not in {"beam", "deploy"}}
    assert told == {
        "data": "papers.csv",
        "commit": "abc",
        "changed": True,
        "settings": {
            section: json.loads(value.model_dump_json()) for section, value in settings.items()
        },
    }


def test_each_split_has_its_one_use(components):
    splits = transform_pb2.SplitsConfig()
    proto_utils.json_to_proto(components["Transform"].exec_properties["splits_config"], splits)
    assert list(splits.analyze) == ["train"]
    assert set(splits.transform) == {"train", "val", "test"}
    train, validate = trainer_pb2.TrainArgs(), trainer_pb2.EvalArgs()
    properties = components["Trainer"].exec_properties
    proto_utils.json_to_proto(properties["train_args"], train)
    proto_utils.json_to_proto(properties["eval_args"], validate)
    assert (list(train.splits), list(validate.splits)) == (["train"], ["val"])
    evaluator = components["Evaluator"]
    assert json_utils.loads(evaluator.exec_properties["example_splits"]) == ["test"]
    assert evaluator.inputs["examples"] is components["CsvExampleGen"].outputs["examples"]


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("data.seed=9", {"CsvExampleGen"}),
        ("features.max_tokens=77", {"Transform"}),
        ("trainer.epochs=11", {"Trainer"}),
        ("serving.top_k=4", {"Trainer"}),
        ("infra.examples=4", {"InfraValidator"}),
        ("gate.floors.lrap=0.01", {"Evaluator"}),
        ("gate.min_examples=9", {"Evaluator"}),
        ("features.input=abstract", {"Transform", "Baselines"}),
        ("baselines.enabled=[none]", {"Baselines"}),
        ("report.seed=4", set()),
        ("report.item=ticket", {"Pusher"}),
        # Where and how it runs changes no result, so nothing has to run again for it.
        ("baselines.beside_training=false", set()),
        ("beam.workers=2", set()),
        ("deploy.image=another:1", set()),
        ("deploy.trainer.workers=2", set()),
    ],
)
def test_a_changed_setting_changes_its_component_only(components, override, changed):
    """TFX's cache looks at these properties: more would run again for nothing, fewer not at all.

    The report names every setting that changes a result, so it is written again.
    """
    after = {each.id: each for each in build(override).components}
    different = {
        node
        for node in components
        if getattr(components[node], "exec_properties", None)
        != getattr(after[node], "exec_properties", None)
    }
    assert different - {"Report"} == changed
    assert ("Report" in different) is not override.startswith(("beam.", "deploy."))


def test_each_of_our_components_carries_the_digest_of_its_source(components):
    digests = {}
    for node in (
        "CsvExampleGen",
        "DataCheck",
        "Baselines",
        "InfraValidator",
        "Evaluator",
        "Pusher",
        "Report",
    ):
        digests[node] = components[node].exec_properties["source_digest"]
    for node in ("Transform", "Trainer"):
        custom = json_utils.loads(components[node].exec_properties["custom_config"])
        digests[node] = custom["source_digest"]
    assert all(len(digest) == 64 for digest in digests.values())
    assert len(set(digests.values())) == len(digests)


@pytest.mark.parametrize(
    ("component", "folder", "names"),
    [
        # The server is started as a process, so no import leads to it.
        ("infra_validator", "serving/server", {"__main__.py", "server.py", "saved_model.py"}),
        ("report", "components/report", {"page.html.j2", "macros.html.j2", "style.css"}),
    ],
)
def test_the_source_of_a_component_is_more_than_its_imports(component, folder, names):
    files = source_files(f"components.{component}.component", ROOT)
    assert names <= {path.name for path in files if (ROOT / folder) in path.parents}


def test_it_is_cached_and_keeps_beam_local():
    pipeline = create_pipeline(Config(), PLACES)
    assert pipeline.enable_cache
    assert "--runner=DirectRunner" in pipeline.beam_pipeline_args
    assert pipeline.pipeline_info.pipeline_root == PLACES.pipeline_root
    assert pipeline.pipeline_info.pipeline_name == "arxiv_tagger"
