import json

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.types import standard_artifacts

from components.example_gen.artifacts import CurationArtifact
from components.example_gen.component import CsvExampleGen
from components.example_gen.settings import DataSettings


def test_component_declares_what_downstream_needs():
    settings = DataSettings(seed=3).model_dump_json()
    component = CsvExampleGen("gs://bucket/data", "papers.csv.gz", settings, "abc")
    # Kubeflow's driver takes no other kind.
    assert isinstance(component, FileBasedExampleGen)
    properties = component.exec_properties
    assert properties["input_base"] == "gs://bucket/data"
    (given,) = json.loads(properties["input_config"])["splits"]
    assert given["pattern"] == "papers.csv.gz"
    splits = json.loads(properties["output_config"])["split_config"]["splits"]
    assert [split["name"] for split in splits] == ["train", "val", "test"]
    assert json.loads(properties["data_settings"])["seed"] == 3
    assert properties["source_digest"] == "abc"
    assert component.outputs["examples"].type is standard_artifacts.Examples
    assert component.outputs["curation"].type is CurationArtifact
    assert CurationArtifact.TYPE_NAME == "arxiv_tagger.CurationReport"
