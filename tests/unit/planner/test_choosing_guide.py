"""docs/guides/choosing.md tells of the family what the catalogue has, and of quality what the planner takes for it."""

import re
from pathlib import Path

import pytest

from gemma4_operator.api.capabilities import Modality
from gemma4_operator.api.common import Variant
from gemma4_operator.planner.quality import Quality, quality_of
from tests.rendering import CATALOG

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "choosing.md").read_text(encoding="utf-8")
TABLE = GUIDE.split("## The family")[1].split("\n## ")[0]
ROWS = {
    cells[0]: cells[1:]
    for line in TABLE.splitlines()
    if line.startswith("| ") and (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] in set(Variant)
}
WORDS = {Modality.IMAGE: "images", Modality.VIDEO: "video", Modality.AUDIO: "audio"}


def test_each_variant_has_a_row():
    assert set(ROWS) == set(Variant)


@pytest.mark.parametrize("variant", ROWS)
def test_a_row_says_what_the_catalogue_has(variant: str):
    model = CATALOG.models[Variant(variant)]
    _, quality, takes_in, context = ROWS[variant]
    assert quality == quality_of(model.score)
    assert takes_in.split(", ") == [WORDS[one] for one in WORDS if one in model.modalities]
    assert int(context) == model.max_context_tokens


@pytest.mark.parametrize("quality", [Quality.STANDARD, Quality.HIGH, Quality.HIGHEST])
def test_so_it_does_of_the_words_for_quality(quality: Quality):
    assert re.search(rf"{quality} from {quality.floor:g}\b", " ".join(TABLE.split()))
