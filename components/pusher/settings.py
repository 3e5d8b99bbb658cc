"""Settings of an endpoint that serves the pushed model."""

from __future__ import annotations

from pydantic import Field

from schema.settings import Settings


class EndpointSettings(Settings):
    """A Vertex AI endpoint that serves the pushed model, with `push_to: endpoint`.

    Attributes:
        name: Display name of the endpoint; created if there is none of this name.
        machine_type: Compute Engine machine type of the serving machines.
        replicas: Minimum number of machines.
        most_replicas: Maximum number of machines.
        container: Image that serves the model: one of Vertex AI's prebuilt TensorFlow containers.
    """

    name: str = "arxiv-tagger"
    machine_type: str = "n1-standard-4"
    replicas: int = Field(default=1, ge=1)
    most_replicas: int = Field(default=1, ge=1)
    container: str = ""


class EndpointTarget(EndpointSettings):
    """An endpoint and where it is.

    Attributes:
        project: Google Cloud project.
        region: Vertex AI region.
    """

    project: str = Field(min_length=1)
    region: str = Field(min_length=1)
    container: str = Field(min_length=1)
