"""Laws of what people may wish for: each rule across fields, over all values and not only those of the tables."""

from decimal import Decimal, InvalidOperation
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.api.common import Variant
from gemma4_operator.api.deployment import EngineChoice, MinimumQuality, Modality, OptimizeFor, VariantChoice
from gemma4_operator.api.read import InvalidResource, read_deployment

COUNTS = st.integers(1, 16)
OPEN = st.fixed_dictionaries({})


def body(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "gemma4.dev/v1alpha1", "kind": "Gemma4Deployment", "metadata": {"name": "a"}, "spec": spec}


def refused_at(**spec: Any) -> set[str]:
    """Return the fields to correct; none: it is accepted."""
    try:
        read_deployment(body(**spec))
    except InvalidResource as error:
        return {problem.path for problem in error.problems}
    return set()


WORKLOADS = st.fixed_dictionaries(
    {"requestsPerMinute": st.integers(1, 1_000_000)},
    optional={
        "inputTokens": st.integers(1, 4096),
        "outputTokens": st.integers(1, 2048),
        "sharedPrefixPercent": st.integers(0, 100),
        "imagesPerRequest": st.integers(0, 32),
    },
)


@given(workload=WORKLOADS, context=st.none() | st.integers(1024, 8192))
def test_a_request_is_refused_exactly_if_it_is_longer_than_the_context(workload: dict[str, int], context: int | None):
    wish = {"workload": workload, "capabilities": {"contextTokens": context, "modalities": ["Text", "Image"]}}
    length = workload.get("inputTokens", 1500) + workload.get("outputTokens", 300)
    assert refused_at(**wish) == ({"spec.workload.inputTokens"} if length > (context or 8192) else set())


@given(
    variant=st.sampled_from(VariantChoice),
    modalities=st.lists(st.sampled_from(Modality), unique=True, max_size=4),
)
def test_audio_is_refused_exactly_with_the_variants_that_cannot_hear(
    variant: VariantChoice, modalities: list[Modality]
):
    deaf = variant.value in {Variant.V31B, Variant.V26B_A4B}
    wrong = Modality.TEXT not in modalities or (deaf and Modality.AUDIO in modalities)
    refused = refused_at(
        model={"variant": variant.value}, capabilities={"modalities": [one.value for one in modalities]}
    )
    assert refused == ({"spec.capabilities.modalities"} if wrong else set())


@given(images=st.integers(0, 32), modalities=st.sets(st.sampled_from(["Image", "Audio", "Video"])))
def test_images_come_exactly_where_they_are_seen(images: int, modalities: set[str]):
    capabilities = {"modalities": ["Text", *sorted(modalities)]}
    refused = refused_at(workload={"requestsPerMinute": 1, "imagesPerRequest": images}, capabilities=capabilities)
    assert refused == ({"spec.workload.imagesPerRequest"} if images and "Image" not in modalities else set())


@given(each=st.none() | COUNTS, budget=st.none() | COUNTS)
def test_a_budget_of_gpus_is_refused_exactly_if_one_replica_is_beyond_it(each: int | None, budget: int | None):
    refused = refused_at(placement={"gpusPerReplica": each, "maximumGPUs": budget})
    beyond = each is not None and budget is not None and each > budget
    assert refused == ({"spec.placement.maximumGPUs"} if beyond else set())


@given(variant=st.sampled_from(VariantChoice), context=st.integers(1024, 262144))
def test_only_a_small_variant_that_is_named_bounds_the_context_further(variant: VariantChoice, context: int):
    small = variant.value in {Variant.E2B, Variant.E4B}
    refused = refused_at(model={"variant": variant.value}, capabilities={"contextTokens": context})
    assert refused == ({"spec.capabilities.contextTokens"} if small and context > 131072 else set())


@given(amount=st.decimals(min_value=Decimal("0.0001"), max_value=Decimal("999999999.9999"), places=4))
def test_every_amount_up_to_a_billion_can_be_asked_for_and_is_not_rounded(amount: Decimal):
    for text in {f"{amount:.4f}", f"{amount.normalize():f}"}:
        objectives = read_deployment(body(objectives={"maximumHourlyCost": text})).spec.objectives
        assert objectives.maximum_hourly_cost is not None
        assert Decimal(objectives.maximum_hourly_cost) == amount


@given(text=st.text(alphabet="0123456789.-+eE, ", max_size=16) | st.text(max_size=5))
def test_a_text_that_is_accepted_as_an_amount_is_one_and_above_zero(text: str):
    if not refused_at(objectives={"maximumHourlyCost": text}):
        amount = Decimal(text)
        assert amount.is_finite()
        assert 0 < amount < 1_000_000_000
    else:
        assert not is_plain_amount(text)


def is_plain_amount(text: str) -> bool:
    """Return whether a text is a positive number below a billion in at most four decimals, written the usual way."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return False
    return amount.is_finite() and 0 < amount < 1_000_000_000 and text in {f"{amount:.{places}f}" for places in range(5)}


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.fixed_dictionaries({}, optional={"variant": st.sampled_from(["Auto", "31B", "12B"])}),
        "capabilities": st.fixed_dictionaries(
            {},
            optional={
                "contextTokens": st.integers(8192, 131072),
                "modalities": st.just(["Text", "Image"]),
                "toolCalling": st.booleans(),
                "reasoning": st.booleans(),
            },
        ),
        "objectives": st.fixed_dictionaries(
            {},
            optional={
                "optimizeFor": st.sampled_from([one.value for one in OptimizeFor]),
                "minimumQuality": st.sampled_from([one.value for one in MinimumQuality]),
                "timeToFirstTokenMilliseconds": st.integers(1, 600_000),
                "timePerOutputTokenMilliseconds": st.integers(1, 60_000),
                "attainmentPercent": st.integers(50, 99),
                "allowedLicences": st.sets(st.sampled_from(["Apache-2.0", "MIT"])).map(sorted),
            },
        ),
        "engine": st.fixed_dictionaries({}, optional={"type": st.sampled_from([one.value for one in EngineChoice])}),
        "placement": st.fixed_dictionaries(
            {}, optional={"maximumGPUs": st.integers(1, 10_000), "allowSharedGPUs": st.booleans()}
        ),
    },
)


@given(wish=WISHES, load=OPEN | st.fixed_dictionaries({"workload": st.just({"requestsPerMinute": 1})}))
def test_a_wish_is_stored_whole_and_reads_back_equal(wish: dict[str, Any], load: dict[str, Any]):
    deployment = read_deployment(body(**wish, **load))
    written = deployment.to_json()
    assert read_deployment(written) == deployment
    for section, fields in (wish | load).items():
        assert fields.items() <= written["spec"][section].items()
