"""The parts of TensorFlow that the server uses, each from where it is defined.

The package `tensorflow` itself would import all of its API; see `lean_import.py`.
"""

from __future__ import annotations

from tensorflow.core.example.example_pb2 import Example
from tensorflow.core.example.feature_pb2 import Feature
from tensorflow.core.protobuf.config_pb2 import ConfigProto, RunOptions

# The C++ Session itself. The public Session.run converts and checks feeds in Python first, which
# costs time and words TensorFlow's errors differently.
from tensorflow.python.client import pywrap_tf_session
from tensorflow.python.client.session import Session
from tensorflow.python.framework import errors_impl as errors
from tensorflow.python.framework.dtypes import as_dtype, bfloat16
from tensorflow.python.framework.importer import import_graph_def
from tensorflow.python.framework.ops import Graph
from tensorflow.python.framework.tensor_util import make_tensor_proto
from tensorflow.python.lib.io._pywrap_record_io import RecordIterator
from tensorflow.python.lib.io.tf_record import TFRecordWriter
from tensorflow.python.ops.gen_parsing_ops import parse_tensor

__all__ = [
    "ConfigProto",
    "Example",
    "Feature",
    "Graph",
    "RecordIterator",
    "RunOptions",
    "Session",
    "TFRecordWriter",
    "as_dtype",
    "bfloat16",
    "errors",
    "import_graph_def",
    "make_tensor_proto",
    "parse_tensor",
    "pywrap_tf_session",
]
