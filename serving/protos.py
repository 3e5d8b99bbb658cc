"""Defines protocol buffer messages by tables, for those whose generated code needs TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from google.protobuf import any_pb2, descriptor_pb2, message_factory, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool

_SCALARS: Final = frozenset(
    ("double", "float", "int64", "uint64", "int32", "uint32", "bool", "string", "bytes")
)


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: The field's number.
        type: A scalar's name as in a .proto file, or the full name of a message or an enum with
            its package (`google.protobuf.Int64Value`), defined before or in the same call.
        repeated: Whether it is a list; of numbers it is packed, as proto3 does it.
        oneof: Name of the oneof that it belongs to.
        key: The key's type where the field is a map, whose values are then of `type`.
    """

    number: int
    type: str
    repeated: bool = False
    oneof: str | None = None
    key: str | None = None


# A pool of their own: here a message may have the name of an official one, whose generated code
# lives in the default pool and may be loaded too.
_pool: Final = DescriptorPool()
for _file in (any_pb2, wrappers_pb2):
    _pool.AddSerializedFile(_file.DESCRIPTOR.serialized_pb)
# The function replaced the method in protobuf 4.22.
_message_class: Final = (
    getattr(message_factory, "GetMessageClass", None)
    or message_factory.MessageFactory(_pool).GetPrototype
)


def define(
    package: str,
    messages: Mapping[str, Mapping[str, Field]],
    enums: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Defines proto3 messages.

    Args:
        package: The package.
        messages: For each message its fields by name. A message inside another is written
            `Outer.Inner`, after `Outer`.
        enums: For each enum its numbers by name; the first is 0, as proto3 requires.

    Returns:
        The class of each message, by its name without the package.

    Raises:
        TypeError: The table can't be a .proto file: a number used twice, an unknown type, a name
            defined before.
    """
    enums = enums or {}
    file = descriptor_pb2.FileDescriptorProto(
        name=f"tables/{package}/{next(iter(messages))}.proto", package=package, syntax="proto3"
    )
    for name, values in enums.items():
        enum = file.enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    made: dict[str, Any] = {}
    for name, fields in messages.items():
        outer, _, own_name = name.rpartition(".")
        made[name] = made[outer].nested_type.add() if outer else file.message_type.add()
        made[name].name = own_name
        _add_fields(made[name], f".{package}.{name}", fields)
    ours = {f"{package}.{name}" for name in (*messages, *enums)}
    used = {field.type for fields in messages.values() for field in fields.values()}
    file.dependency.extend(_files_of(used - ours - _SCALARS))
    _pool.AddSerializedFile(file.SerializeToString())
    return {
        name: _message_class(_pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages
    }


def _files_of(types: Iterable[str]) -> list[str]:
    try:
        return sorted({_pool.FindFileContainingSymbol(name).name for name in types})
    except KeyError as error:
        raise TypeError(f"No such type: {error}") from error


def _add_fields(message: Any, full_name: str, fields: Mapping[str, Field]) -> None:
    oneofs: list[str] = []
    for name, field in fields.items():
        made = message.field.add(name=name, number=field.number)
        if field.key is None:
            _set_type(made, field.type)
        else:
            entry = message.nested_type.add(
                name="".join(part.capitalize() for part in name.split("_")) + "Entry"
            )
            entry.options.map_entry = True
            _add_fields(entry, "", {"key": Field(1, field.key), "value": Field(2, field.type)})
            made.type_name = f"{full_name}.{entry.name}"
        repeated = field.repeated or field.key is not None
        made.label = made.LABEL_REPEATED if repeated else made.LABEL_OPTIONAL
        if field.oneof is not None:
            if field.oneof not in oneofs:
                oneofs.append(field.oneof)
                message.oneof_decl.add(name=field.oneof)
            made.oneof_index = oneofs.index(field.oneof)


def _set_type(made: Any, name: str) -> None:
    if name in _SCALARS:
        made.type = made.Type.Value(f"TYPE_{name.upper()}")
    else:
        # The pool finds out whether it is a message or an enum.
        made.type_name = f".{name}"
