"""Laws of looking a GPU up by what a node's label calls it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import builtin_catalog

CATALOG = builtin_catalog()
Named = tuple[Gpu, str]
LAW = settings(deadline=None)
ROWS = [(row, product) for row in CATALOG.gpus for product in row.products]
PRODUCTS = [product for _, product in ROWS]
known = st.sampled_from(ROWS)
suffixes = st.sampled_from(["", "-SHARED", "-MIG-1g.10gb", "-MIG-3g.40gb", "-MIG-1g.10gb-SHARED", "-MIG-1g.12gb.me"])
letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=4)


@LAW
@given(known, suffixes, st.booleans())
def test_sharing_slicing_and_case_are_passed_over(found: Named, suffix: str, lower: bool) -> None:
    row, product = found
    label = product + suffix
    assert CATALOG.gpu(label.lower() if lower else label, row.memory_mib) is row


@LAW
@given(known, st.integers(min_value=-64, max_value=64))
def test_a_label_that_is_off_by_some_mib_leads_to_the_same_row(found: Named, off: int) -> None:
    row, product = found
    assert CATALOG.gpu(product, row.memory_mib + off) is row


@LAW
@given(known, letters)
def test_firmware_may_lengthen_a_name_by_a_word(found: Named, word: str) -> None:
    row, product = found
    assert CATALOG.gpu(f"{product}-Z{word}", row.memory_mib) is row


@LAW
@given(known, letters)
def test_a_name_that_only_begins_like_a_known_one_is_another(found: Named, letters: str) -> None:
    _, product = found
    longer = f"{product}Z{letters}"
    shorter = [one for one in PRODUCTS if longer.lower().startswith(f"{one.lower()}-")]
    row = CATALOG.gpu(longer)
    assert row is None or set(shorter) & set(row.products)


@LAW
@given(st.text(max_size=30), st.none() | st.integers(min_value=0, max_value=400_000))
def test_any_label_leads_to_a_row_whose_name_begins_it_or_to_none(label: str, memory_mib: int | None) -> None:
    row = CATALOG.gpu(label, memory_mib)
    assert row is None or any(label.lower().startswith(product.lower()) for product in row.products)


@LAW
@given(known, st.integers(min_value=1, max_value=400_000))
def test_of_rows_with_one_name_none_is_nearer(found: Named, memory_mib: int) -> None:
    _, product = found
    chosen = CATALOG.gpu(product, memory_mib)
    assert chosen is not None
    namesakes = [row for row in CATALOG.gpus if product in row.products]
    assert abs(chosen.memory_mib - memory_mib) == min(abs(row.memory_mib - memory_mib) for row in namesakes)
