"""Makes protocol buffer messages from tables, without generated code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from google.protobuf import descriptor_pb2, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import MessageFactory

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


def new_factory() -> MessageFactory:
    """Returns a place for messages that knows the wrappers (`google.protobuf.Int64Value` ...).

    In it a message may have the name of an official one, whose generated code may be loaded too
    and lives in the default pool.
    """
    factory = MessageFactory(DescriptorPool())
    factory.pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    return factory


def define(
    package: str,
    messages: Mapping[str, Mapping[str, Field]],
    enums: Mapping[str, Mapping[str, int]] | None = None,
    factory: MessageFactory | None = None,
) -> dict[str, Any]:
    """Makes the classes of proto3 messages.

    Args:
        package: The package; once for each factory.
        messages: For each message its fields by name. A message inside another is written
            `Outer.Inner`, after `Outer`.
        enums: For each enum its numbers by name; the first is 0, as proto3 wants it.
        factory: Where the messages go, and where those that they use are looked up; one from
            `new_factory`, or a new one where None.

    Returns:
        For each message, by its name without the package, the class.

    Raises:
        TypeError: The table can't be a .proto file: a number used twice, an unknown type.
    """
    factory = factory or new_factory()
    pool = factory.pool
    enums = enums or {}
    file = descriptor_pb2.FileDescriptorProto(
        name=f"private/{package}.proto", package=package, syntax="proto3"
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
    file.dependency.extend(_files_of(used - ours - _SCALARS, pool))
    pool.Add(file)
    return {
        name: factory.GetPrototype(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in messages
    }


def _files_of(types: Iterable[str], pool: DescriptorPool) -> list[str]:
    try:
        return sorted({pool.FindFileContainingSymbol(name).name for name in types})
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
