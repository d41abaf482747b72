"""Laws of overrides: what says nothing new changes nothing, order is no matter, and no text stops an operator.

JSON is YAML, and quicker to write.
"""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.catalog.overrides import KEYS, override
from gemma4_operator.catalog.row import Row

CATALOG = builtin_catalog()
ROWS: dict[str, list[Row]] = {
    "models": list(CATALOG.models.values()),
    "checkpoints": list(CATALOG.checkpoints),
    "gpus": list(CATALOG.gpus),
    "engines": list(CATALOG.engines.values()),
}
LAW = settings(max_examples=40, deadline=None)
NAMES = {
    "models": {"variant"},
    "checkpoints": {"repository", "file"},
    "gpus": {"products", "memoryMib"},
    "engines": {"engine"},
}
"""What an entry must say, so that its row is found."""


@st.composite
def known_entries(draw: st.DrawFn) -> dict[str, Any]:
    """Rows of the catalogue as an override, with any of their fields."""
    found: dict[str, Any] = {}
    for key in draw(st.sets(st.sampled_from(sorted(ROWS)), min_size=1)):
        found[key] = []
        for row in draw(st.lists(st.sampled_from(ROWS[key]), max_size=3)):
            full = row.model_dump(mode="json", by_alias=True)
            kept = draw(st.sets(st.sampled_from(sorted(full)))) | NAMES[key]
            found[key].append({name: value for name, value in full.items() if name in kept})
    return found


@st.composite
def price_lists(draw: st.DrawFn) -> dict[str, str]:
    names = [row.products[0] for row in CATALOG.gpus if row.products[0] not in ("Orin", "NVIDIA-Thor")]
    cents = st.integers(min_value=0, max_value=10_000).map(lambda cents: f"{cents / 100:.2f}")
    return draw(st.dictionaries(st.sampled_from(names), cents, min_size=1))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["variant", "engine", "repository", "file", "products", "memoryMib", "bits", "parameters", "source", "preferred"]
)


@LAW
@given(known_entries())
def test_what_the_catalogue_says_already_changes_nothing(entries: dict[str, Any]) -> None:
    assert override(CATALOG, json.dumps(entries)) == (CATALOG, ())


@LAW
@given(st.sampled_from(["", "\n", "# nothing yet\n", "null", "{}", *(f"{key}:" for key in KEYS)]))
def test_nothing_changes_nothing(text: str) -> None:
    assert override(CATALOG, text) == (CATALOG, ())


@LAW
@given(price_lists(), known_entries(), st.randoms(use_true_random=False))
def test_the_order_of_keys_is_no_matter(prices: dict[str, str], entries: dict[str, Any], shuffle: Any) -> None:
    entries["gpus"] = [{"products": ["NVIDIA-L4"], "hourlyPrice": "3.33", "bandwidthGbPerSecond": 1}]
    given = list({**entries, "prices": prices, "unknown": 1, "another": 1}.items())
    shuffled = list(given)
    shuffle.shuffle(shuffled)
    one, other = (override(CATALOG, json.dumps(dict(items))) for items in (given, shuffled))
    assert one == other
    assert one[0] != CATALOG


@LAW
@given(price_lists())
def test_prices_are_what_they_say_and_applying_them_twice_is_applying_them_once(prices: dict[str, str]) -> None:
    text = json.dumps({"prices": prices})
    once, faults = override(CATALOG, text)
    assert faults == ()
    for product, price in prices.items():
        row = once.gpu(product)
        assert row is not None
        assert row.hourly_price == price
    assert override(once, text) == (once, ())


@LAW
@given(st.dictionaries(st.sampled_from(KEYS), anything | st.lists(st.dictionaries(fields, anything, max_size=4))))
def test_no_text_stops_an_operator_and_each_fault_is_one_line(content: dict[str, Any]) -> None:
    catalog, faults = override(CATALOG, json.dumps(content))
    assert all(fault and "\n" not in fault for fault in faults)
    assert set(catalog.models) == set(CATALOG.models)
    assert set(catalog.engines) == set(CATALOG.engines)


@LAW
@given(st.text(max_size=200))
def test_nor_does_text_that_is_no_yaml(text: str) -> None:
    override(CATALOG, text)
