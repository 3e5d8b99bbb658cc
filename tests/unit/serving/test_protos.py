"""Messages from tables, beside generated ones of the same shape."""

from __future__ import annotations

import random

import pytest
from google.protobuf import descriptor_pb2, struct_pb2, text_format, wrappers_pb2

from serving.protos import Field, define

VALUE, STRUCT, LIST = (f"google.protobuf.{name}" for name in ("Value", "Struct", "ListValue"))


@pytest.fixture(scope="module")
def ours():
    """`google/protobuf/struct.proto`, written as a table."""
    return define(
        "google.protobuf",
        {
            "Struct": {"fields": Field(1, VALUE, key="string")},
            "Value": {
                "null_value": Field(1, "google.protobuf.NullValue", oneof="kind"),
                "number_value": Field(2, "double", oneof="kind"),
                "string_value": Field(3, "string", oneof="kind"),
                "bool_value": Field(4, "bool", oneof="kind"),
                "struct_value": Field(5, STRUCT, oneof="kind"),
                "list_value": Field(6, LIST, oneof="kind"),
            },
            "ListValue": {"values": Field(1, VALUE, repeated=True)},
        },
        {"NullValue": {"NULL_VALUE": 0}},
    )


def described(message) -> dict[str, object]:
    """What makes a message's bytes, without the names of files and options."""
    proto = descriptor_pb2.DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    return {
        "fields": {
            field.name: (field.number, field.type, field.label, field.type_name)
            for field in proto.field
        },
        "oneofs": [oneof.name for oneof in proto.oneof_decl],
        "nested": {
            nested.name: (
                [(field.name, field.number, field.type) for field in nested.field],
                nested.options.map_entry,
            )
            for nested in proto.nested_type
        },
    }


@pytest.mark.parametrize("name", ["Struct", "Value", "ListValue"])
def test_a_table_makes_the_descriptor_that_protoc_makes(ours, name):
    generated = getattr(struct_pb2, name)
    assert ours[name].DESCRIPTOR.full_name == generated.DESCRIPTOR.full_name
    assert described(ours[name]) == described(generated)
    assert ours[name].DESCRIPTOR is not generated.DESCRIPTOR


def random_value(draw: random.Random, depth: int) -> object:
    kind = draw.randrange(6 if depth else 4)
    if kind == 4:
        return [random_value(draw, depth - 1) for _ in range(draw.randrange(4))]
    if kind == 5:
        return {f"k{i}ü": random_value(draw, depth - 1) for i in range(draw.randrange(3))}
    return [None, draw.uniform(-1e9, 1e9), "größe" * draw.randrange(3), draw.random() < 0.5][kind]


@pytest.mark.parametrize("seed", range(10))
def test_bytes_are_those_of_generated_messages(ours, seed):
    official = struct_pb2.ListValue()
    official.extend([random_value(random.Random(seed * 100 + i), 3) for i in range(20)])
    data = official.SerializeToString(deterministic=True)
    assert len(data) > 100
    assert ours["ListValue"].FromString(data).SerializeToString(deterministic=True) == data


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("double", 1.5),
        ("float", -2.5),
        ("int64", -(2**40)),
        ("uint64", 2**63),
        ("int32", -7),
        ("uint32", 2**31),
        ("bool", True),
        ("string", "größe"),
        ("bytes", b"\xff"),
    ],
)
def test_a_value_of_every_type_is_written_as_in_the_wrappers(kind, value):
    wrapper = f"{kind.capitalize().replace('Uint', 'UInt')}Value"
    official = getattr(wrappers_pb2, wrapper)(value=value)
    made = define(f"one_{kind}", {"M": {"value": Field(1, kind)}})["M"]
    assert made(value=value).SerializeToString() == official.SerializeToString()


def test_text_is_read_with_wrappers_lists_maps_and_nested_messages():
    made = define(
        "p",
        {
            "Outer": {
                "limit": Field(1, "google.protobuf.Int64Value"),
                "sizes": Field(2, "int64", repeated=True),
                "inner_parts": Field(3, "p.Outer.Inner", key="string"),
                "mode": Field(4, "p.Mode"),
            },
            "Outer.Inner": {"on": Field(1, "bool")},
        },
        {"Mode": {"OFF": 0, "FAST": 3}},
    )
    text = """
        limit { value: 5 } sizes: 1 sizes: 300 mode: FAST
        inner_parts { key: "a" value { on: true } }
    """
    message = text_format.Parse(text, made["Outer"]())
    assert message.limit.value == 5
    assert list(message.sizes) == [1, 300]
    assert message.mode == 3
    assert {key: part.on for key, part in message.inner_parts.items()} == {"a": True}
    # Numbers in a list are packed: one tag (2, length-delimited), then 1 and 300.
    assert b"\x12\x03\x01\xac\x02" in message.SerializeToString()
    assert made["Outer.Inner"].DESCRIPTOR.full_name == "p.Outer.Inner"
    with pytest.raises(text_format.ParseError, match="no field named"):
        text_format.Parse("bogus: 1", made["Outer"]())


def test_packages_share_their_messages():
    first = define("first", {"Part": {"name": Field(1, "string")}})
    second = define("second", {"Whole": {"parts": Field(1, "first.Part", key="string")}})
    assert type(second["Whole"]().parts["x"]) is first["Part"]


def test_no_message_is_defined_twice():
    define("twice", {"M": {"a": Field(1, "string")}})
    with pytest.raises(TypeError):
        define("twice", {"M": {"b": Field(1, "int32")}})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": Field(1, "nope.Missing")}, "nope.Missing"),
        ({"a": Field(1, "int32"), "b": Field(1, "int32")}, "already been used"),
        ({"a": Field(0, "int32")}, "positive"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(TypeError, match=message):
        define("senseless", {"M": fields})
