"""Settings of an endpoint that serves the pushed model."""

from __future__ import annotations

from pydantic import Field

from schema.settings import Settings


class EndpointSettings(Settings):
    """A Vertex AI endpoint that serves the pushed model.

    Attributes:
        name: Display name of the endpoint; found or made.
        machine_type: Machine that serves.
        replicas: Machines at the least.
        most_replicas: Machines at the most.
        container: Image of the prebuilt TensorFlow serving container.
    """

    name: str = "arxiv-tagger"
    machine_type: str = "n1-standard-4"
    replicas: int = Field(default=1, ge=1)
    most_replicas: int = Field(default=1, ge=1)
    container: str = ""


class EndpointTarget(EndpointSettings):
    """An endpoint and where it is.

    Attributes:
        project: Project of Google Cloud.
        region: Region of Vertex AI.
    """

    project: str = Field(min_length=1)
    region: str = Field(min_length=1)
    container: str = Field(min_length=1)
