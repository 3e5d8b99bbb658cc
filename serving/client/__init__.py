"""A client of a model server for any program; it needs neither TensorFlow nor TFX.

with TaggerClient("127.0.0.1:8501") as client:
    client.suggest(["We study the sample complexity of …"])
"""

from __future__ import annotations

from serving.client.tagger_client import Retry, TaggerClient
from serving.suggestion import Suggestion

__all__ = ["Retry", "Suggestion", "TaggerClient"]
