"""TF Serving's messages for code that must not load its stubs, which need TensorFlow.

Each `.pbtxt` file here is a FileDescriptorProto in text form: what protoc makes of a .proto file.
The messages live in a pool of their own, beside the official ones of the same names.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Final

from google.protobuf import any_pb2, descriptor_pb2, message_factory, text_format, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool

_pool: Final = DescriptorPool()
for _module in (any_pb2, wrappers_pb2):
    _pool.AddSerializedFile(_module.DESCRIPTOR.serialized_pb)
# In protobuf 4.22 the function replaced the method.
_message_class: Final = (
    getattr(message_factory, "GetMessageClass", None)
    or message_factory.MessageFactory(_pool).GetPrototype
)


@functools.cache
def load_messages(name: str) -> dict[str, Any]:
    """Returns the class of each top-level message of `NAME.pbtxt`, by its name."""
    file = descriptor_pb2.FileDescriptorProto()
    text_format.Parse(Path(__file__).with_name(f"{name}.pbtxt").read_text("utf-8"), file)
    for dependency in file.dependency:
        if dependency.endswith(".pbtxt"):
            load_messages(dependency.removesuffix(".pbtxt"))
    _pool.AddSerializedFile(file.SerializeToString())
    return {
        message.name: _message_class(_pool.FindMessageTypeByName(f"{file.package}.{message.name}"))
        for message in file.message_type
    }
