"""The catalogue: what comes with the operator is complete and sourced, and a bad row says what is wrong with it."""

from importlib.resources import files
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.api.engine import Engine
from gemma4_operator.catalog.checkpoints import Checkpoint, Tuning
from gemma4_operator.catalog.loader import FILES, Catalog, CatalogError, builtin_catalog, parse_catalog, size_of

CATALOG = builtin_catalog()
ROWS = {name: yaml.safe_load(files("gemma4_operator.catalog").joinpath(name).read_text()) for name in FILES}


def raw(name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in ROWS[name]]


def parsed(**texts: str) -> Catalog:
    """The built-in files, some of them replaced; `checkpoints=` stands for checkpoints.yaml."""
    given = {f"{name}.yaml": text for name, text in texts.items()}
    return parse_catalog({name: yaml.safe_dump(ROWS[name]) for name in FILES} | given)


class TestBuiltIn:
    @pytest.mark.parametrize("name", FILES)
    def test_each_row_says_where_it_comes_from(self, name: str) -> None:
        for row in raw(name):
            assert len(row["source"].split()) >= 2, row

    def test_prices_and_scores_and_denials_have_sources_of_their_own(self) -> None:
        assert all(len(row.price_source.split()) >= 2 for row in CATALOG.gpus)
        assert all(len(row.score_source.split()) >= 2 for row in CATALOG.models.values())
        denied = [one for engine in CATALOG.engines.values() for one in engine.denied]
        assert denied
        assert all(one.source for one in denied)

    @pytest.mark.parametrize("variant", Variant)
    def test_each_variant_has_its_original_weights_fp8_and_a_gguf_file(self, variant: Variant) -> None:
        known = CATALOG.quantizations(variant)
        assert {Quantization.BF16, Quantization.FP8} <= set(known)
        assert any(quantization.is_gguf for quantization in known)

    @pytest.mark.parametrize("variant", Variant)
    def test_each_variant_has_its_base_model(self, variant: Variant) -> None:
        base = CATALOG.preferred(variant, Quantization.BF16, Tuning.BASE)
        assert base is not None
        assert base.repository == f"google/gemma-4-{variant}"

    @pytest.mark.parametrize("row", CATALOG.checkpoints, ids=lambda row: row.repository)
    def test_gguf_rows_name_their_file_and_stay_on_main_which_is_all_that_llama_cpp_downloads(
        self, row: Checkpoint
    ) -> None:
        assert (row.file is not None) == row.quantization.is_gguf
        assert row.revision == "main"
        assert row.file is None or row.quantization.lower() in row.file.lower()

    @pytest.mark.parametrize("row", CATALOG.checkpoints, ids=lambda row: row.repository)
    def test_the_parts_add_up_to_the_bytes(self, row: Checkpoint) -> None:
        assert size_of(row, CATALOG.models[row.variant]) == pytest.approx(row.resident_bytes, rel=0.01)

    @pytest.mark.parametrize("row", CATALOG.checkpoints, ids=lambda row: row.repository)
    def test_no_format_is_larger_or_better_than_the_original(self, row: Checkpoint) -> None:
        original = CATALOG.preferred(row.variant, Quantization.BF16)
        assert original is not None
        assert row.bytes <= original.bytes
        assert (row.score_loss == 0) == (row.quantization is Quantization.BF16)

    def test_larger_models_score_higher(self) -> None:
        scores = [CATALOG.models[variant].score for variant in Variant]
        assert scores == sorted(scores, reverse=True)

    @pytest.mark.parametrize("engine", EngineType)
    def test_each_engine_has_an_image_whose_tag_is_its_version(self, engine: EngineType) -> None:
        row = CATALOG.engines[engine]
        assert row.image.rpartition(":")[2].endswith(row.version)
        assert set(row.minimum_version) == set(Variant)

    def test_no_image_floats(self) -> None:
        assert not any(row.image.endswith(":latest") for row in CATALOG.engines.values())

    def test_what_nvidia_quantized_has_nvidias_licence_and_scales_for_the_cache(self) -> None:
        for row in CATALOG.checkpoints:
            is_nvidias = row.repository.startswith("nvidia/")
            assert (row.licence == "NVIDIA Open Model License") == is_nvidias
            assert row.kv_scales == is_nvidias

    def test_nvidias_nvfp4_of_31b_leaves_attention_as_it_was_and_so_is_as_large_as_fp8(self) -> None:
        row = CATALOG.find("nvidia/Gemma-4-31B-IT-NVFP4")
        assert row is not None
        assert (row.bits.attention, row.bits.mlp) == (16, 4.5)
        assert row.bytes > 32_000_000_000


class TestGpus:
    @pytest.mark.parametrize(
        ("label", "memory_mib", "memory"),
        [
            ("NVIDIA-H100-80GB-HBM3", None, 81559),
            ("NVIDIA-H100-80GB-HBM3-SHARED", None, 81559),
            ("NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", None, 81559),
            ("NVIDIA-H200-NVL", None, 143771),
            ("NVIDIA-B300-SXM6-AC-REV2", None, 275040),
            ("nvidia-l40s", None, 46068),
            ("NVIDIA-L4", None, 23034),
            ("Orin", 7620, 7620),
            ("Orin", 15000, 15656),
            ("Orin", 62841, 62841),
            ("Orin", None, 62841),
            ("NVIDIA-Thor", 60000, 62841),
        ],
    )
    def test_a_node_label_leads_to_its_row(self, label: str, memory_mib: int | None, memory: int) -> None:
        row = CATALOG.gpu(label, memory_mib)
        assert row is not None
        assert row.memory_mib == memory

    @pytest.mark.parametrize("label", ["NVIDIA-L40X", "NVIDIA-H100", "Tesla-K80", "", "-SHARED"])
    def test_another_product_is_not_taken_for_a_known_one(self, label: str) -> None:
        assert CATALOG.gpu(label) is None

    def test_gb10_bears_no_memory_label_and_shares_its_memory(self) -> None:
        row = CATALOG.gpu("NVIDIA-GB10")
        assert row is not None
        assert (row.memory_label, row.unified_memory) == (False, True)
        assert row.reserved_mib > 8000

    def test_slices_are_parts_of_their_gpu(self) -> None:
        sliced = [row for row in CATALOG.gpus if row.mig]
        assert len(sliced) >= 10
        for row in sliced:
            for profile in row.mig:
                share = profile.memory_slices / row.memory_slices
                assert profile.memory_mib <= row.memory_mib * share * 1.08, (row.products, profile)

    @pytest.mark.parametrize(
        "product",
        [
            "NVIDIA-H100-80GB-HBM3", "NVIDIA-H200", "NVIDIA-A100-SXM4-40GB", "NVIDIA-A100-SXM4-80GB", "NVIDIA-L4",
            "NVIDIA-L40S", "NVIDIA-A10", "NVIDIA-GeForce-RTX-4090", "NVIDIA-GeForce-RTX-5090",
            "NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "NVIDIA-B200", "NVIDIA-B300-SXM6-AC", "NVIDIA-GB200",
            "NVIDIA-GB10", "Orin", "NVIDIA-Thor",
        ],
    )  # fmt: skip
    def test_it_is_known(self, product: str) -> None:
        assert CATALOG.gpu(product) is not None


class TestLookUps:
    def test_a_known_format_has_its_own_size(self) -> None:
        assert CATALOG.weights_bytes(Variant.E2B, Quantization.Q4_K_M) == 3_106_738_272

    def test_an_unknown_format_is_taken_for_as_large_as_the_original(self) -> None:
        assert CATALOG.preferred(Variant.E2B, Quantization.Q5_K_M) is None
        original = CATALOG.weights_bytes(Variant.E2B, Quantization.BF16)
        assert CATALOG.weights_bytes(Variant.E2B, Quantization.Q5_K_M) == original

    def test_a_repository_is_found_with_and_without_its_file(self) -> None:
        file = "gemma-4-31B-it-Q6_K.gguf"
        row = CATALOG.find("unsloth/gemma-4-31B-it-GGUF", file)
        assert row is not None
        assert row.quantization is Quantization.Q6_K
        assert CATALOG.find("unsloth/gemma-4-31B-it-GGUF") is not None
        assert CATALOG.find("unsloth/gemma-4-31B-it-GGUF", "other.gguf") is None
        assert CATALOG.find("team/own") is None


GOOD: dict[str, Any] = {
    "variant": "E2B",
    "quantization": "BF16",
    "repository": "team/e2b",
    "bytes": 10243497000,
    "bits": {},
    "scoreLoss": 0,
    "licence": "Apache-2.0",
    "source": "the card",
}
LAST = len(ROWS["checkpoints.yaml"])
HERE = rf"checkpoints.yaml\[{LAST}\]"
BAD_CHECKPOINTS: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"source": None}, rf"{HERE}.source"),
    "an empty source": ({"source": ""}, rf"{HERE}.source: String should have at least 1 character"),
    "an unknown variant": ({"variant": "99B"}, rf"{HERE}.variant: Input should be '31B'"),
    "an unknown format": ({"quantization": "Q3"}, rf"{HERE}.quantization: Input should be 'BF16'"),
    "bytes as a text": ({"bytes": "62 GB"}, rf"{HERE}.bytes: Input should be a valid integer"),
    "no bytes at all": ({"bytes": 0}, rf"{HERE}.bytes: Input should be greater than 0"),
    "bytes that the parts do not add up to": ({"bytes": 9_000_000_000}, rf"{HERE}.bits: must add up to the bytes"),
    "more bits than BF16": ({"bits": {"mlp": 32}}, rf"{HERE}.bits.mlp: Input should be less than or equal to 16"),
    "a part nobody knows": ({"bits": {"heads": 8}}, rf"{HERE}.bits.heads: Extra inputs are not permitted"),
    "a second preferred one": ({"preferred": True}, rf"{HERE}.preferred: must be true of one row for E2B, BF16"),
    "a repository without its owner": ({"repository": "gemma"}, rf"{HERE}.repository: String should"),
    "a file that is not GGUF": ({"file": "model.bin"}, rf"{HERE}.file: String should match"),
    "a field nobody knows": ({"size": 1}, rf"{HERE}.size: Extra inputs are not permitted"),
    "what is there already": ({"repository": "google/gemma-4-E2B-it"}, rf"{HERE}: must differ from row \d+"),
}
FIRST_GPU = r"gpus.yaml\[0\]"
BAD_GPUS: dict[str, tuple[dict[str, Any], str]] = {
    "no product": ({"products": []}, rf"{FIRST_GPU}.products: Tuple should have at least 1 item"),
    "no memory": ({"memoryMib": 0}, rf"{FIRST_GPU}.memoryMib: Input should be greater than 0"),
    "no price": ({"hourlyPrice": "free"}, rf"{FIRST_GPU}.hourlyPrice: String should match"),
    "a capability that is none": ({"computeCapability": "sm90"}, rf"{FIRST_GPU}.computeCapability: String should"),
    "a link nobody knows": ({"link": "Ethernet"}, rf"{FIRST_GPU}.link: Input should be 'NVLink'"),
}


class TestBadRows:
    @pytest.mark.parametrize("case", BAD_CHECKPOINTS)
    def test_the_message_names_file_row_and_field(self, case: str) -> None:
        change, message = BAD_CHECKPOINTS[case]
        with pytest.raises(CatalogError, match=message):
            parsed(checkpoints=yaml.safe_dump([*raw("checkpoints.yaml"), GOOD | change]))

    def test_the_row_they_start_from_is_good(self) -> None:
        assert parsed(checkpoints=yaml.safe_dump([*raw("checkpoints.yaml"), GOOD])).find("team/e2b") is not None

    @pytest.mark.parametrize("case", BAD_GPUS)
    def test_so_it_does_for_gpus(self, case: str) -> None:
        change, message = BAD_GPUS[case]
        first, *rest = raw("gpus.yaml")
        with pytest.raises(CatalogError, match=message):
            parsed(gpus=yaml.safe_dump([first | change, *rest]))

    @pytest.mark.parametrize("image", ["vllm", "example.com/vllm", "example.com/vllm:1@sha256:abc", "a b:1"])
    def test_an_image_needs_a_tag_or_a_digest(self, image: str) -> None:
        first, *rest = raw("engines.yaml")
        message = r"engines.yaml\[0\].image: must be an image with its tag or digest, such as 'registry\."
        with pytest.raises(CatalogError, match=message):
            parsed(engines=yaml.safe_dump([first | {"image": image}, *rest]))

    @pytest.mark.parametrize(
        "image",
        [
            "registry.local:5000/vllm/vllm-openai:v0.33.0",
            f"example.com/vllm@sha256:{'a' * 64}",
            f"registry.local:5000/vllm@sha256:{'a' * 64}",
            f"example.com/vllm:1@sha256:{'a' * 64}",
        ],
        ids=["a registry with a port", "a digest alone", "both", "a digest after the tag"],
    )
    def test_it_may_be_all_that_a_specs_own_image_may_be(self, image: str) -> None:
        first, *rest = raw("engines.yaml")
        assert parsed(engines=yaml.safe_dump([first | {"image": image}, *rest])).engines[EngineType.VLLM].image == image
        assert Engine.model_validate({"image": image}).image == image

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "checkpoints.yaml: must be YAML"),
            ("a: 1", "checkpoints.yaml: must be a list of rows"),
            ("", "checkpoints.yaml: must be a list of rows"),
            ("[1]", r"checkpoints.yaml\[0\]: Input should be a valid dictionary"),
            ("[]", "checkpoints.yaml: must have a preferred row for '31B' in BF16"),
        ],
    )
    def test_what_is_no_list_of_rows(self, text: str, message: str) -> None:
        with pytest.raises(CatalogError, match=message):
            parsed(checkpoints=text)

    def test_an_engine_without_an_image(self) -> None:
        with pytest.raises(CatalogError, match=r"engines.yaml: must have a row for the engine 'VLLM'"):
            parsed(engines=yaml.safe_dump(raw("engines.yaml")[1:]))

    def test_a_variant_without_a_model(self) -> None:
        with pytest.raises(CatalogError, match=r"models.yaml: must have a row for '31B'"):
            parsed(models=yaml.safe_dump(raw("models.yaml")[1:]))
