"""`gemma4 kv`: one point or a file of them, and one sentence for what cannot be."""

import json
from pathlib import Path

import pytest
import yaml

from gemma4_operator.cli.main import main

ORACLE = Path(__file__).parents[2] / "data" / "vllm-0.32-kv.csv"
POINT = {
    "--variant": "31B",
    "--kv-dtype": "bf16",
    "--tensor-parallel": "1",
    "--context": "131072",
    "--max-batched-tokens": "2048",
    "--pool-gib": "24",
}
HEAD = "variant,kv_dtype,tp,ctx,mnbt,pool_gib"


def words(**changes: str | None) -> list[str]:
    options = POINT | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return ["kv", *(word for name, value in options.items() if value is not None for word in (name, value))]


class TestPoint:
    def test_has_blocks_and_concurrency(self, capsys: pytest.CaptureFixture[str]):
        assert main([*words(), "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == {
            "numBlocks": 9830,
            "maxConcurrency": 1.7243,
            "blockBytes": 2621440,
            "requestBlocks": 5701,
            "longestContextTokens": 262144,
        }

    def test_is_the_same_in_yaml(self, capsys: pytest.CaptureFixture[str]):
        assert main([*words(), "-o", "yaml"]) == 0
        assert yaml.safe_load(capsys.readouterr().out)["numBlocks"] == 9830

    def test_reads_like_this_for_people(self, capsys: pytest.CaptureFixture[str]):
        assert main(words()) == 0
        assert capsys.readouterr().out == (
            "blocks       9830 of 2.50 MiB\n"
            "one request  13.92 GiB for 131072 tokens: 5701 blocks\n"
            "holds        1.72 of them at once\n"
        )

    def test_that_does_not_start_has_zero_of_both_and_says_what_would(self, capsys: pytest.CaptureFixture[str]):
        assert main([*words(pool_gib="8"), "-o", "json"]) == 3
        found = json.loads(capsys.readouterr().out)
        assert (found["numBlocks"], found["maxConcurrency"]) == (0, 0.0)
        assert main(words(pool_gib="8")) == 3
        told = capsys.readouterr().out
        assert f"the longest that fits has {found['longestContextTokens']} tokens" in told
        assert main(words(pool_gib="8", context=str(found["longestContextTokens"]))) == 0

    def test_depends_on_the_version(self, capsys: pytest.CaptureFixture[str]):
        held = {}
        for version in ("0.25.1", "0.26.0", None):
            assert main([*words(engine_version=version), "-o", "json"]) == 0
            held[version] = json.loads(capsys.readouterr().out)["maxConcurrency"]
        assert held["0.25.1"] > held["0.26.0"] == held[None]

    def test_the_cache_is_exact_and_one_gpus_unless_it_is_told(self, capsys: pytest.CaptureFixture[str]):
        assert main([*words(kv_dtype=None, tensor_parallel=None), "-o", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["numBlocks"] == 9830

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"variant": "27B"}, "`--variant` must be one of 31B, 26B-A4B, 12B, E4B, E2B, and is '27B'"),
            ({"kv_dtype": "q8_0"}, "`--kv-dtype` must be one of bf16, fp8, and is 'q8_0'"),
            ({"context": "0"}, "`--context` must be a whole number of at least 1, and is '0'"),
            ({"context": "8k"}, "`--context` must be a whole number of at least 1, and is '8k'"),
            ({"max_batched_tokens": "1000001"}, "`--max-batched-tokens` must be at most 1000000, and is 1000001"),
            ({"max_batched_tokens": "9" * 5000}, "`--max-batched-tokens` must be at most 1000000, and is 9999"),
            ({"variant": "E2B", "context": "262144"}, "`--context` must be at most 131072"),
            ({"tensor_parallel": "3"}, "`--tensor-parallel` must divide the 32 attention heads of 31B, and is 3"),
            ({"pool_gib": "-1"}, "`--pool-gib` must be a number of GiB above 0 and at most 1000000, and is '-1'"),
            ({"pool_gib": "nan"}, "`--pool-gib` must be a number of GiB above 0 and at most 1000000, and is 'nan'"),
            ({"pool_gib": "inf"}, "`--pool-gib` must be a number of GiB above 0 and at most 1000000, and is 'inf'"),
            ({"pool_gib": "1e300"}, "`--pool-gib` must be a number of GiB above 0 and at most 1000000, and is '1e300'"),
            ({"max_batched_tokens": None}, "`--max-batched-tokens` must be given, or `--csv` with a file"),
            ({"engine_version": "latest"}, "`--engine-version` must be a version such as 0.33.0, and is 'latest'"),
        ],
        ids=str,
    )
    def test_that_cannot_be_is_one_sentence(
        self, capsys: pytest.CaptureFixture[str], changes: dict[str, str | None], sentence: str
    ):
        assert main(words(**changes)) == 2
        told = capsys.readouterr()
        assert sentence in told.err
        assert told.out == ""
        assert told.err.count("\n") == 1


class TestFile:
    def test_comes_back_with_the_answers_of_vllm_to_the_letter(self, capsys: pytest.CaptureFixture[str]):
        assert main(["kv", "--csv", str(ORACLE)]) == 0
        assert capsys.readouterr().out == ORACLE.read_text(encoding="utf-8")

    def test_that_asks_alone_is_answered_in_two_more_columns(self, capsys: pytest.CaptureFixture[str], tmp_path: Path):
        rows = [line.split(",") for line in ORACLE.read_text(encoding="utf-8").splitlines()]
        asking = tmp_path / "points.csv"
        asking.write_text("".join(",".join(row[:6]) + "\n" for row in rows), encoding="utf-8")
        assert main(["kv", "--csv", str(asking)]) == 0
        assert capsys.readouterr().out == ORACLE.read_text(encoding="utf-8")

    def test_columns_may_be_in_any_order_with_others_beside(self, capsys: pytest.CaptureFixture[str], tmp_path: Path):
        file = tmp_path / "points.csv"
        file.write_text("team,pool_gib,ctx,mnbt,tp,kv_dtype,variant\nred,24,131072,2048,1,bf16,31B\n")
        assert main(["kv", "--csv", str(file)]) == 0
        assert capsys.readouterr().out == (
            "team,pool_gib,ctx,mnbt,tp,kv_dtype,variant,num_blocks,max_concurrency\n"
            "red,24,131072,2048,1,bf16,31B,9830,1.7243\n"
        )

    def test_may_come_from_a_spreadsheet_that_marks_its_files(self, capsys: pytest.CaptureFixture[str], tmp_path: Path):
        file = tmp_path / "points.csv"
        file.write_text(f"{HEAD}\n31B,bf16,1,131072,2048,24\n", encoding="utf-8-sig")
        assert main(["kv", "--csv", str(file)]) == 0
        assert capsys.readouterr().out.startswith(f"{HEAD},num_blocks")

    def test_that_is_no_text_is_called_no_csv(self, capsys: pytest.CaptureFixture[str], tmp_path: Path):
        file = tmp_path / "points.csv"
        file.write_bytes(b"caf\xe9")
        assert main(["kv", "--csv", str(file)]) == 2
        assert capsys.readouterr().err == f"gemma4: {file}: must be CSV, and is not even UTF-8 text\n"

    def test_is_a_list_in_json(self, capsys: pytest.CaptureFixture[str], tmp_path: Path):
        file = tmp_path / "points.csv"
        file.write_text(f"{HEAD}\n31B,bf16,1,131072,2048,8\n")
        assert main(["kv", "--csv", str(file), "-o", "json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["variant"], row["num_blocks"], row["max_concurrency"]) == ("31B", 0, 0)

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("variant,tp\n31B,1\n", f"must have the columns {HEAD}, and lacks kv_dtype, ctx, mnbt, pool_gib"),
            ("", f"must have the columns {HEAD}"),
            (f"{HEAD}\n31B,bf16,1,8192,2048,8\n31B,bf16,1,x,2048,8\n", "points.csv:3: `ctx` must be a whole number"),
            (f"{HEAD}\n31B,bf16,1,8192\n", "points.csv:2: `mnbt` must be a whole number"),
            (f"{HEAD}\n31B,bf16,1,8192,2048,8,9\n", "points.csv:2: must have as many values as there are columns"),
        ],
    )
    def test_that_is_wrong_is_told_with_its_line(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, sentence: str
    ):
        file = tmp_path / "points.csv"
        file.write_text(text)
        assert main(["kv", "--csv", str(file)]) == 2
        assert sentence in capsys.readouterr().err

    def test_that_is_not_there_is_one_sentence(self, capsys: pytest.CaptureFixture[str]):
        assert main(["kv", "--csv", "/nowhere.csv"]) == 2
        assert "must be a file that can be read" in capsys.readouterr().err
