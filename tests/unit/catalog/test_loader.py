"""The catalogue: what comes with the operator is complete and sourced, and a bad row says what is wrong with it."""

from importlib.resources import files
from typing import Any

import pytest
import yaml

from gemma4_operator.api.common import EngineType, Quantization, Variant
from gemma4_operator.catalog.loader import CatalogError, builtin_catalog, parse_catalog

CATALOG = builtin_catalog()
FILES = ("checkpoints.yaml", "engines.yaml")


def raw(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(files("gemma4_operator.catalog").joinpath(name).read_text())
    return rows


class TestBuiltIn:
    @pytest.mark.parametrize("name", FILES)
    def test_each_row_says_where_it_comes_from(self, name: str) -> None:
        for row in raw(name):
            assert len(row["source"].split()) >= 2, row

    @pytest.mark.parametrize("variant", Variant)
    def test_each_variant_has_its_original_weights_and_a_gguf_file(self, variant: Variant) -> None:
        known = CATALOG.quantizations(variant)
        assert Quantization.BF16 in known
        assert any(quantization.is_gguf for quantization in known)

    @pytest.mark.parametrize("variant", Variant)
    def test_each_variant_has_fp8(self, variant: Variant) -> None:
        assert Quantization.FP8 in CATALOG.quantizations(variant)

    @pytest.mark.parametrize("key", CATALOG.checkpoints, ids=lambda key: "-".join(key))
    def test_gguf_rows_name_their_file_and_others_do_not(self, key: tuple[Variant, Quantization]) -> None:
        assert (CATALOG.checkpoints[key].file is not None) == key[1].is_gguf

    @pytest.mark.parametrize("key", CATALOG.checkpoints, ids=lambda key: "-".join(key))
    def test_gguf_rows_stay_on_main_which_is_all_that_llama_cpp_downloads(
        self, key: tuple[Variant, Quantization]
    ) -> None:
        assert not key[1].is_gguf or CATALOG.checkpoints[key].revision == "main"

    @pytest.mark.parametrize("key", CATALOG.checkpoints, ids=lambda key: "-".join(key))
    def test_no_format_is_larger_than_the_original(self, key: tuple[Variant, Quantization]) -> None:
        assert CATALOG.checkpoints[key].bytes <= CATALOG.checkpoints[key[0], Quantization.BF16].bytes

    def test_the_file_names_the_format(self) -> None:
        for (_, quantization), row in CATALOG.checkpoints.items():
            assert row.file is None or quantization in row.file

    @pytest.mark.parametrize("engine", EngineType)
    def test_each_engine_has_an_image_whose_tag_is_its_version(self, engine: EngineType) -> None:
        row = CATALOG.engines[engine]
        assert row.image.rpartition(":")[2].endswith(row.version)

    def test_no_image_floats(self) -> None:
        assert not any(row.image.endswith(":latest") for row in CATALOG.engines.values())


class TestWeightsBytes:
    def test_a_known_format_has_its_own_size(self) -> None:
        assert CATALOG.weights_bytes(Variant.E2B, Quantization.Q4_K_M) == 3_106_738_272

    def test_an_unknown_format_is_taken_for_as_large_as_the_original(self) -> None:
        assert (Variant.E2B, Quantization.Q5_K_M) not in CATALOG.checkpoints
        assert CATALOG.weights_bytes(Variant.E2B, Quantization.Q5_K_M) == CATALOG.weights_bytes(
            Variant.E2B, Quantization.BF16
        )


GOOD: dict[str, Any] = {
    "variant": "E2B",
    "quantization": "BF16",
    "repository": "google/gemma-4-E2B-it",
    "revision": "main",
    "bytes": 1,
    "source": "the card",
}
IMAGE: dict[str, Any] = {"engine": "VLLM", "version": "1", "image": "example.com/vllm:1", "source": "the release"}


def checkpoints_with(row: Any) -> str:
    return yaml.safe_dump([*raw("checkpoints.yaml"), row])


def engines_with(row: Any) -> str:
    return yaml.safe_dump([row, *raw("engines.yaml")[1:]])


BAD_CHECKPOINTS: dict[str, tuple[dict[str, Any], str]] = {
    "no source": ({"source": None}, r"checkpoints.yaml\[31\].source"),
    "an empty source": ({"source": ""}, r"checkpoints.yaml\[31\].source: String should have at least 1 character"),
    "an unknown variant": ({"variant": "99B"}, r"checkpoints.yaml\[31\].variant: Input should be '31B'"),
    "an unknown format": ({"quantization": "Q3"}, r"checkpoints.yaml\[31\].quantization: Input should be 'BF16'"),
    "bytes as a text": ({"bytes": "62 GB"}, r"checkpoints.yaml\[31\].bytes: Input should be a valid integer"),
    "no bytes at all": ({"bytes": 0}, r"checkpoints.yaml\[31\].bytes: Input should be greater than 0"),
    "a repository without its owner": ({"repository": "gemma"}, r"checkpoints.yaml\[31\].repository: String should"),
    "a file that is not GGUF": ({"file": "model.bin"}, r"checkpoints.yaml\[31\].file: String should match"),
    "a field nobody knows": ({"size": 1}, r"checkpoints.yaml\[31\].size: Extra inputs are not permitted"),
    "what is there already": ({}, r"checkpoints.yaml\[31\]: must differ from row \d+ in what it is looked up by"),
}


class TestBadRows:
    @pytest.mark.parametrize("case", BAD_CHECKPOINTS)
    def test_the_message_names_file_row_and_field(self, case: str) -> None:
        change, message = BAD_CHECKPOINTS[case]
        with pytest.raises(CatalogError, match=message):
            parse_catalog(checkpoints=checkpoints_with(GOOD | change), engines=engines_with(IMAGE))

    @pytest.mark.parametrize("image", ["vllm", "vllm:1", "example.com/vllm", "example.com/vllm:1@sha256:abc"])
    def test_an_image_needs_a_registry_and_a_tag(self, image: str) -> None:
        with pytest.raises(CatalogError, match=r"engines.yaml\[0\].image"):
            parse_catalog(
                checkpoints=yaml.safe_dump(raw("checkpoints.yaml")), engines=engines_with(IMAGE | {"image": image})
            )

    def test_a_digest_may_follow_the_tag(self) -> None:
        image = f"example.com/vllm:1@sha256:{'a' * 64}"
        catalog = parse_catalog(
            checkpoints=yaml.safe_dump(raw("checkpoints.yaml")), engines=engines_with(IMAGE | {"image": image})
        )
        assert catalog.engines[EngineType.VLLM].image == image

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "checkpoints.yaml: must be YAML"),
            ("a: 1", "checkpoints.yaml: must be a list of rows"),
            ("", "checkpoints.yaml: must be a list of rows"),
            ("[1]", r"checkpoints.yaml\[0\]: Input should be a valid dictionary"),
            ("[]", "checkpoints.yaml: must have a row for '31B' in BF16"),
        ],
    )
    def test_what_is_no_list_of_rows(self, text: str, message: str) -> None:
        with pytest.raises(CatalogError, match=message):
            parse_catalog(checkpoints=text, engines=engines_with(IMAGE))

    def test_an_engine_without_an_image(self) -> None:
        with pytest.raises(CatalogError, match=r"engines.yaml: must have a row for the engine 'VLLM'"):
            parse_catalog(
                checkpoints=yaml.safe_dump(raw("checkpoints.yaml")), engines=yaml.safe_dump(raw("engines.yaml")[1:])
            )
