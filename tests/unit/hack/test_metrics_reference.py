"""docs/reference/metrics.md has each metric once, and says of each label what its values are."""

import re

from gemma4_operator.runtime import families
from hack.metrics_reference import LABELS, metrics_reference

PAGE = metrics_reference()


def test_each_metric_has_one_row() -> None:
    rows = re.findall(r"^\| `(gemma4_\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [family.name for family in families.ALL]


def test_each_label_is_explained_and_no_other() -> None:
    used = {label for family in families.ALL for label in family.labels} | {"namespace", "name"}
    assert set(LABELS) == used


def test_it_is_sound_markdown() -> None:
    assert {line.count("|") for line in PAGE.splitlines() if line.startswith("|")} == {3, 5}
    assert "{" not in PAGE
