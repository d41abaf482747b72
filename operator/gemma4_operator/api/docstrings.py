"""The texts below the fields of a model, read from its source when a schema is made, and not with each start.

pydantic's own `use_attribute_docstrings` reads them when a class is made: a fifth of what importing this package took.
"""

import ast
import inspect
from collections.abc import Iterator
from textwrap import dedent

from pydantic import BaseModel

_OTHERS = ("builtins", "pydantic")
"""Where classes come from that declare no field of ours."""


def docstrings(cls: type[BaseModel]) -> dict[str, str]:
    """Return the docstring of each field that a class, or one it inherits from, declares; by the field's name."""
    own = [one for one in reversed(cls.__mro__) if one.__module__.partition(".")[0] not in _OTHERS]
    return {name: text for one in own for name, text in _declared(one) if name in cls.model_fields}


def _declared(cls: type) -> Iterator[tuple[str, str]]:
    (statement,) = ast.parse(dedent(inspect.getsource(cls))).body
    assert isinstance(statement, ast.ClassDef), "the source of a class is a class"
    for field, below in zip(statement.body, statement.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
