"""What stands below a field in the source is what people read in the CRD."""

import subprocess
import sys
from typing import Annotated

from pydantic import Field

from gemma4_operator.api.common import ApiModel
from gemma4_operator.api.docstrings import docstrings


class Part(ApiModel):
    """A part."""

    plain: int = 0
    """One line."""
    long_one: Annotated[str, Field(max_length=3)] = ""
    """A first line
    and a second."""
    silent: bool = False
    told: Annotated[int, Field(description="by the field itself")] = 0
    """Not by this."""

    def method(self) -> None:
        """Of a method, which is no field."""


class Special(Part):
    """A part that has more."""

    more: int = 0
    """Of its own."""
    plain: int = 1
    """In other words."""


def test_each_field_has_the_text_below_it():
    assert docstrings(Part) == {"plain": "One line.", "long_one": "A first line\nand a second.", "told": "Not by this."}


def test_a_child_has_its_parents_and_the_last_word():
    assert docstrings(Special) == docstrings(Part) | {"more": "Of its own.", "plain": "In other words."}


def test_a_class_inside_a_function_is_read_too():
    class Inner(ApiModel):
        """Inside."""

        one: int = 0
        """Here."""

    assert docstrings(Inner) == {"one": "Here."}


def test_the_schema_tells_them_under_the_names_that_people_write():
    fields = Part.model_json_schema(by_alias=True)["properties"]
    assert {name: field.get("description") for name, field in fields.items()} == {
        "plain": "One line.",
        "longOne": "A first line\nand a second.",
        "silent": None,
        "told": "by the field itself",
    }


def test_no_source_is_read_before_a_schema_is_made():
    script = "import gemma4_operator.api.deployment, linecache; print(len(linecache.cache))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
