"""Overrides: a team's prices, GPUs, checkpoints and images over the built-in ones, and what is said of bad entries."""

from decimal import Decimal

import pytest

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.checkpoints import Checkpoint, Tuning
from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import Catalog, builtin_catalog
from gemma4_operator.catalog.overrides import KEYS, override
from gemma4_operator.engines.registry import engines
from gemma4_operator.planner.choose import choose
from gemma4_operator.planner.inventory import pools
from gemma4_operator.planner.plan import Plan

CATALOG = builtin_catalog()
H100 = "NVIDIA-H100-80GB-HBM3"
GOOGLE = "google/gemma-4-31B-it"


def overridden(text: str) -> Catalog:
    """The built-in catalogue with an override that has no fault."""
    catalog, faults = override(CATALOG, text)
    assert faults == ()
    return catalog


def gpu(catalog: Catalog, product: str, memory_mib: int | None = None) -> Gpu:
    row = catalog.gpu(product, memory_mib)
    assert row is not None
    return row


def checkpoint(catalog: Catalog, repository: str, file: str | None = None) -> Checkpoint:
    row = catalog.find(repository, file)
    assert row is not None
    return row


class TestPrices:
    @pytest.mark.parametrize("price", ["1.85", '"1.85"'])
    def test_a_price_may_be_a_number_or_a_text_and_is_exact(self, price: str) -> None:
        catalog = overridden(f"prices: {{{H100}: {price}}}")
        assert gpu(catalog, H100).price == Decimal("1.85")
        assert gpu(catalog, H100).price_source == "override"

    def test_all_else_stays(self) -> None:
        catalog = overridden(f"prices: {{{H100}: 1.85}}")
        old, new = gpu(CATALOG, H100), gpu(catalog, H100)
        assert new == old.model_copy(update={"hourly_price": "1.85", "price_source": "override"})
        assert [row for row in catalog.gpus if row is not new] == [row for row in CATALOG.gpus if row is not old]
        assert (catalog.models, catalog.checkpoints, catalog.engines) == (
            CATALOG.models,
            CATALOG.checkpoints,
            CATALOG.engines,
        )

    def test_a_new_gpu_can_be_priced_in_the_same_text(self) -> None:
        catalog = overridden(f"prices: {{NVIDIA-X1: 9}}\n{NEW_GPU}")
        assert gpu(catalog, "NVIDIA-X1").hourly_price == "9"

    def test_a_price_under_prices_counts_more_than_one_in_a_row(self) -> None:
        catalog = overridden(f"prices: {{{H100}: 2}}\ngpus: [{{products: [{H100}], hourlyPrice: 3}}]")
        assert gpu(catalog, H100).hourly_price == "2"

    def test_another_name_of_a_gpu_leads_to_it(self) -> None:
        row = next(row for row in CATALOG.gpus if len(row.products) > 1 and row.products[0] != "Orin")
        catalog = overridden(f"prices: {{{row.products[1].lower()}: 7}}")
        assert gpu(catalog, row.products[0]).hourly_price == "7"


NEW_GPU = """
gpus:
- products: [NVIDIA-X1]
  memoryMib: 65536
  bandwidthGbPerSecond: 1234
  bf16Tflops: 100
  computeCapability: 9.0
  link: PCIe
  linkGbPerSecond: 64
  hourlyPrice: 2
"""


class TestGpus:
    def test_a_new_one_is_found_and_its_sources_say_override(self) -> None:
        row = gpu(overridden(NEW_GPU), "NVIDIA-X1-SHARED")
        assert (row.memory_mib, row.compute_capability, row.hourly_price) == (65536, "9.0", "2")
        assert (row.source, row.price_source) == ("override", "override")

    def test_a_known_one_changes_only_in_what_is_given(self) -> None:
        row = gpu(overridden("gpus: [{products: [NVIDIA-L4], bandwidthGbPerSecond: 280}]"), "NVIDIA-L4")
        old = gpu(CATALOG, "NVIDIA-L4")
        assert row.bandwidth_gb_per_second == 280
        assert row.model_copy(update={"bandwidth_gb_per_second": 300.0, "source": old.source}) == old

    def test_its_source_tells_what_was_overridden_and_keeps_the_rest(self) -> None:
        row = gpu(overridden("gpus: [{products: [NVIDIA-L4], bandwidthGbPerSecond: 280, hourlyPrice: 1}]"), "NVIDIA-L4")
        assert row.source.startswith("override of bandwidthGbPerSecond; else aiconfigurator")
        assert row.price_source == "override"

    def test_a_source_of_the_teams_own_is_kept(self) -> None:
        text = "gpus: [{products: [NVIDIA-L4], bandwidthGbPerSecond: 280, source: measured here}]"
        assert gpu(overridden(text), "NVIDIA-L4").source == "measured here"

    def test_a_further_name_is_added_to_those_that_are_known(self) -> None:
        catalog = overridden("gpus: [{products: [NVIDIA-L4, Cheap-GPU]}]")
        assert gpu(catalog, "Cheap-GPU") == gpu(catalog, "NVIDIA-L4")

    def test_of_machines_that_share_a_name_memory_says_which(self) -> None:
        catalog = overridden("gpus: [{products: [Orin], memoryMib: 15656, hourlyPrice: 0.5}]")
        assert gpu(catalog, "Orin", 15656).hourly_price == "0.5"
        assert gpu(catalog, "Orin", 7620) == gpu(CATALOG, "Orin", 7620)

    def test_another_size_of_a_known_name_is_a_new_row(self) -> None:
        text = NEW_GPU.replace("NVIDIA-X1", "NVIDIA-GeForce-RTX-4090").replace("65536", "49140")
        catalog = overridden(text)
        assert gpu(catalog, "NVIDIA-GeForce-RTX-4090", 49140).bandwidth_gb_per_second == 1234
        assert gpu(catalog, "NVIDIA-GeForce-RTX-4090", 24564) == gpu(CATALOG, "NVIDIA-GeForce-RTX-4090", 24564)

    def test_it_wins_where_no_label_decides(self) -> None:
        text = NEW_GPU.replace("NVIDIA-X1", "NVIDIA-GB10").replace("65536", "131072")
        assert gpu(overridden(text), "NVIDIA-GB10").memory_mib == 131072

    def test_what_is_null_goes_back_to_nothing(self) -> None:
        assert gpu(overridden("gpus: [{products: [NVIDIA-L4], fp8Tflops: null}]"), "NVIDIA-L4").fp8_tflops is None


OWN_31B = f"""
checkpoints:
- repository: team/gemma-4-31b-support
  variant: 31B
  quantization: BF16
  bytes: {CATALOG.weights_bytes(Variant.V31B, Quantization.BF16)}
  bits: {{}}
  scoreLoss: 0
  licence: Apache-2.0
  preferred: true
"""


class TestCheckpoints:
    def test_a_teams_own_takes_the_place_of_the_preferred_one(self) -> None:
        catalog = overridden(OWN_31B)
        preferred = catalog.preferred(Variant.V31B, Quantization.BF16)
        assert preferred is not None
        assert (preferred.repository, preferred.source) == ("team/gemma-4-31b-support", "override")
        assert not checkpoint(catalog, GOOGLE).preferred

    def test_and_leaves_other_formats_and_tunings_alone(self) -> None:
        catalog = overridden(OWN_31B)
        for row in CATALOG.checkpoints:
            if row.repository != GOOGLE:
                assert catalog.find(row.repository, row.file) == CATALOG.find(row.repository, row.file)

    def test_a_revision_can_be_pinned(self) -> None:
        catalog = overridden(f"checkpoints: [{{repository: {GOOGLE}, revision: 0123abc}}]")
        row = checkpoint(catalog, GOOGLE)
        assert (row.revision, row.preferred, row.bytes) == ("0123abc", True, checkpoint(CATALOG, GOOGLE).bytes)

    def test_a_gguf_row_is_named_by_its_file_as_well(self) -> None:
        repository, file = "unsloth/gemma-4-31B-it-GGUF", "gemma-4-31B-it-Q6_K.gguf"
        catalog = overridden(f"checkpoints: [{{repository: {repository}, file: {file}, scoreLoss: 0.5}}]")
        assert checkpoint(catalog, repository, file).score_loss == 0.5
        assert checkpoint(catalog, repository, "gemma-4-31B-it-Q5_K_M.gguf").score_loss == 0.7

    def test_bits_of_one_part_leave_those_of_others(self) -> None:
        text = "checkpoints: [{repository: RedHatAI/gemma-4-31B-it-FP8-dynamic, bits: {attention: 8.1}}]"
        row = checkpoint(overridden(text), "RedHatAI/gemma-4-31B-it-FP8-dynamic")
        assert (row.bits.attention, row.bits.mlp, row.bits.embeddings) == (8.1, 8, 16)

    def test_another_one_can_be_preferred_among_those_that_are_known(self) -> None:
        block = "RedHatAI/gemma-4-31B-it-FP8-block"
        catalog = overridden(f"checkpoints: [{{repository: {block}, preferred: true}}]")
        assert catalog.preferred(Variant.V31B, Quantization.FP8) == checkpoint(catalog, block)
        assert sum(row.preferred for row in catalog.checkpoints) == sum(row.preferred for row in CATALOG.checkpoints)

    def test_a_format_can_be_taken_out_of_the_running(self) -> None:
        catalog = overridden("checkpoints: [{repository: nvidia/Gemma-4-31B-IT-NVFP4, preferred: false}]")
        assert Quantization.NVFP4 not in catalog.quantizations(Variant.V31B)

    def test_the_base_model_is_another_matter(self) -> None:
        catalog = overridden(OWN_31B)
        base = catalog.preferred(Variant.V31B, Quantization.BF16, Tuning.BASE)
        assert base is not None
        assert base.repository == "google/gemma-4-31B"


class TestEnginesAndModels:
    def test_an_image_from_a_mirror(self) -> None:
        catalog = overridden("engines: [{engine: VLLM, image: 'registry.example.com/vllm:0.33.0'}]")
        old, new = CATALOG.engines[EngineType.VLLM], catalog.engines[EngineType.VLLM]
        assert new.image == "registry.example.com/vllm:0.33.0"
        assert (new.version, new.denied, new.formats) == (old.version, old.denied, old.formats)

    @pytest.mark.parametrize(
        "image",
        [
            "registry.local:5000/vllm/vllm-openai:v0.33.0",
            f"registry.example.com/vllm@sha256:{'a' * 64}",
            f"registry.local:5000/vllm@sha256:{'a' * 64}",
        ],
        ids=["with a port", "by its digest", "both"],
    )
    def test_a_mirror_may_have_a_port_and_an_image_a_digest_alone(self, image: str) -> None:
        catalog = overridden(f"engines: [{{engine: VLLM, image: '{image}'}}]")
        plan = choose(
            Gemma4DeploymentSpec.model_validate({"model": {"variant": "31B", "quantization": "FP8"}}),
            catalog=catalog,
            engines=engines(),
            classes=pools(catalog, [H100]),
        )
        assert isinstance(plan, Plan), plan
        assert (plan.image, plan.engine_version) == (image, CATALOG.engines[EngineType.VLLM].version)

    def test_the_oldest_version_of_one_variant_leaves_those_of_others(self) -> None:
        catalog = overridden("engines: [{engine: VLLM, minimumVersion: {31B: 0.30.0}}]")
        old, new = (one.engines[EngineType.VLLM].minimum_version for one in (CATALOG, catalog))
        assert new == {**old, Variant.V31B: "0.30.0"}

    def test_a_list_is_replaced_as_a_whole(self) -> None:
        assert overridden("engines: [{engine: VLLM, denied: []}]").engines[EngineType.VLLM].denied == ()

    def test_a_score_that_the_team_measured(self) -> None:
        text = "models: [{variant: 12B, score: 78.5, scoreSource: our own run}]"
        model = overridden(text).models[Variant.V12B]
        assert (model.score, model.score_source) == (78.5, "our own run")
        assert model.parameters == CATALOG.models[Variant.V12B].parameters


MUST = f"must be one of {', '.join(KEYS)}"
NO_ROW = "must be given, since the catalogue knows no such row"
BAD: dict[str, tuple[str, str]] = {
    "no YAML": ("{", "override: must be YAML: "),
    "no mapping": ("[1]", "override: must be a mapping with the keys models, checkpoints, gpus, engines, prices"),
    "a key nobody knows": ("gpu: []", f"gpu: {MUST}"),
    "a key that is a number": ("1: 2", f"1: {MUST}"),
    "a mapping for a list": ("gpus: {}", "gpus: must be a list of rows"),
    "a list for prices": ("prices: []", "prices: must be a mapping of products to prices"),
    "a row that is none": ("gpus: [5]", "gpus[0]: Input should be a valid dictionary"),
    "a price that is a word": (f"prices: {{{H100}: free}}", f"prices.{H100}: must be US$ for one hour, such as 1.25"),
    "a price below zero": (f"prices: {{{H100}: -1}}", f"prices.{H100}: must be US$ for one hour"),
    "a price that is true": (f"prices: {{{H100}: true}}", f"prices.{H100}: must be US$ for one hour"),
    "a price of nothing": (f"prices: {{{H100}: null}}", f"prices.{H100}: must be US$ for one hour"),
    "a price of what is unknown": ("prices: {A9: 1}", "prices.A9: must be a product of the catalogue; correct it, or"),
    "a price of several": ("prices: {Orin: 1}", "prices.Orin: must name one GPU, and 4 bear it; set hourlyPrice under"),
    "a GPU of several": (
        "gpus: [{products: [Orin], hourlyPrice: 1}]",
        "gpus[0].memoryMib: must say which 'Orin' is meant, one of 62841, 30697, 15656, 7620",
    ),
    "a new GPU without its memory": ("gpus: [{products: [A9]}]", f"gpus[0].memoryMib: {NO_ROW}"),
    "a GPU without a name": ("gpus: [{hourlyPrice: 1}]", f"gpus[0].products: {NO_ROW}"),
    "names that are none": ("gpus: [{products: [NVIDIA-L4, [x]]}]", "gpus[0].products.1: Input should be a valid"),
    "a field nobody knows": (
        "gpus: [{products: [NVIDIA-L4], vram: 5}]",
        "gpus[0].vram: Extra inputs are not permitted",
    ),
    "a field in another spelling": (
        "gpus: [{products: [NVIDIA-L4], hourly_price: 5}]",
        "gpus[0].hourly_price: Extra inputs are not permitted",
    ),
    "a checkpoint that is too small": (
        OWN_31B.replace("bits: {}", "bits: {mlp: 8}"),
        "checkpoints[0].bits: must add up to the bytes within 1 %, and miss them by -33.3%",
    ),
    "a new checkpoint without a licence": (
        OWN_31B.replace("  licence: Apache-2.0\n", ""),
        f"checkpoints[0].licence: {NO_ROW}",
    ),
    "the last preferred original": (
        f"checkpoints: [{{repository: {GOOGLE}, preferred: false}}]",
        "checkpoints[0].preferred: must stay true until another row for 31B in BF16 is preferred; mark that one",
    ),
    "an unknown variant": ("models: [{variant: 7B}]", "models[0].variant: Input should be '31B'"),
    "parameters that fit no checkpoint": (
        "models: [{variant: 31B, parameters: {mlp: 5}}]",
        f"models[0].parameters: must fit the bytes of {GOOGLE} within 1 %, and miss them by -66.5%; leave them as",
    ),
    "an engine nobody knows": ("engines: [{engine: TGI}]", "engines[0].engine: Input should be 'VLLM'"),
    "an image without a tag": (
        "engines: [{engine: VLLM, image: vllm}]",
        "engines[0].image: must be an image with its tag or digest, such as",
    ),
    "a variant that no version runs": (
        "engines: [{engine: VLLM, minimumVersion: {31B: null}}]",
        "engines[0].minimumVersion: must name a version for 31B",
    ),
}


class TestBadEntries:
    @pytest.mark.parametrize("case", BAD)
    def test_it_is_told_in_one_line_that_names_the_field_and_changes_nothing(self, case: str) -> None:
        text, message = BAD[case]
        catalog, faults = override(CATALOG, text)
        assert len(faults) == 1
        assert faults[0].startswith(message), faults[0]
        assert "\n" not in faults[0]
        assert catalog == CATALOG

    def test_the_rest_applies(self) -> None:
        text = f"prices: {{{H100}: 1, A9: 1}}\ngpus: [5, {{products: [NVIDIA-L4], hourlyPrice: 2}}]\nmore: 1"
        catalog, faults = override(CATALOG, text)
        assert [fault.partition(":")[0] for fault in faults] == ["more", "gpus[0]", "prices.A9"]
        assert (gpu(catalog, H100).hourly_price, gpu(catalog, "NVIDIA-L4").hourly_price) == ("1", "2")
