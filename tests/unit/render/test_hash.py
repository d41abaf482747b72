"""The mark of what was rendered."""

import re
from copy import deepcopy

from gemma4_operator.render.hash import HASH_ANNOTATION, stamped

OBJECT = {"kind": "Service", "metadata": {"name": "chat"}, "spec": {"ports": [{"port": 1}], "type": "ClusterIP"}}


def mark(obj: dict) -> str:
    return stamped(obj)["metadata"]["annotations"][HASH_ANNOTATION]


def test_it_is_sixteen_hexadecimal_digits() -> None:
    assert re.fullmatch("[0-9a-f]{16}", mark(OBJECT))


def test_the_order_of_fields_does_not_matter() -> None:
    assert mark(OBJECT) == mark(dict(reversed(OBJECT.items())))


def test_the_order_of_items_does() -> None:
    one, other = ({**OBJECT, "spec": {"args": args}} for args in (["a", "b"], ["b", "a"]))
    assert mark(one) != mark(other)


def test_stamping_twice_is_stamping_once() -> None:
    assert stamped(stamped(OBJECT)) == stamped(OBJECT)


def test_other_annotations_stay_and_count() -> None:
    annotated = {**OBJECT, "metadata": {"name": "chat", "annotations": {"a": "b"}}}
    assert stamped(annotated)["metadata"]["annotations"]["a"] == "b"
    assert mark(annotated) != mark(OBJECT)


def test_the_object_itself_stays_as_it_is() -> None:
    before = deepcopy(OBJECT)
    stamped(OBJECT)
    assert before == OBJECT


def test_it_is_the_same_in_every_process_and_release() -> None:
    assert mark(OBJECT) == "f9005df5f9f528af"
