"""Values that fit a JSON Schema."""

from __future__ import annotations

import enum
import random
from datetime import date

import jsonschema
import pytest
from pydantic import BaseModel, Field

from gateway.demo.example import example


def made(schema, seed=0):
    return example(schema, lambda: "Some words.", random.Random(seed))


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    name: str = Field(max_length=4)
    color: Color
    day: date


class Tree(BaseModel):
    leaves: list[Leaf] = Field(min_length=2)
    pair: tuple[int, str]
    age: int = Field(ge=3, le=5)
    height: float | None
    parent: Tree | None
    children: list[Tree]


@pytest.mark.parametrize("seed", range(10))
def test_what_pydantic_asks_for_is_given(seed):
    tree = Tree.model_validate(made(Tree.model_json_schema(), seed))
    assert len(tree.leaves) == 2
    assert 3 <= tree.age <= 5


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"properties": {"a": {"const": 5}}},
        {"enum": ["x", 3]},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"allOf": [{"type": "boolean"}]},
        {"type": ["integer", "null"], "minimum": 10},
        {"type": "integer", "maximum": -10},
        {"type": "number", "exclusiveMinimum": 1.5},
        {"type": "integer", "exclusiveMaximum": 3, "minimum": 2},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "maxItems": 2},
        {"$defs": {"a/b": {"type": "null"}}, "$ref": "#/$defs/a~1b"},
        {"type": "string", "format": "date-time"},
    ],
)
def test_the_value_is_valid(schema):
    jsonschema.validate(made(schema), schema)


def test_no_schema_gives_an_object_with_an_answer():
    assert made({}) == {"answer": "Some words."}


def test_a_schema_that_contains_itself_many_times_comes_to_an_end():
    schema = {
        "$defs": {"n": {"type": "object", "properties": {name: {"$ref": "#/$defs/n"} for name in "abcdefgh"}}},
        "$ref": "#/$defs/n",
    }
    assert isinstance(made(schema), dict)


@pytest.mark.parametrize(
    "odd", [{"type": 5}, {"type": []}, {"anyOf": 3}, {"enum": {}}, {"$ref": "#/no/where"}, {"type": "array", "items": 7}]
)
def test_an_odd_schema_is_no_error(odd):
    made({"type": "object", "properties": {"x": odd}})
