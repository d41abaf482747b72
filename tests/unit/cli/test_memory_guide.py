"""The examples of docs/guides/memory.md are what the command prints."""

import re
import shlex
from pathlib import Path

import pytest

from gemma4_operator.api.common import Variant
from gemma4_operator.cli.main import main
from gemma4_operator.planner.kv_vllm import in_flight_tokens, layout
from gemma4_operator.planner.shape import KvDtype
from tests.unit.planner.shapes import GIB, MIB, catalog

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "memory.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^\$ gemma4 (fit|kv) (--variant.*)\n((?:(?!\$|```).*\n)+)", GUIDE, re.MULTILINE)


@pytest.mark.parametrize(("verb", "options", "shown"), EXAMPLES, ids=[verb for verb, _, _ in EXAMPLES])
def test_an_example_is_what_is_printed(verb: str, options: str, shown: str, capsys: pytest.CaptureFixture[str]):
    main([verb, *shlex.split(options)])
    printed = capsys.readouterr().out
    expected, cut, rest = shown.partition("  ...\n")
    assert printed.startswith(expected)
    assert rest == ""
    assert cut or printed == expected


def test_both_verbs_have_an_example():
    assert [verb for verb, _, _ in EXAMPLES] == ["fit", "kv"]


@pytest.mark.parametrize("variant", Variant)
def test_the_table_of_caches_is_computed_so(variant: Variant):
    (row,) = (line for line in GUIDE.splitlines() if line.startswith(f"| {variant} |"))
    growth, window, small, large = (float(cell.split()[0]) for cell in row.split("|")[2:6])
    model, plan = catalog().models[variant], layout(catalog().models[variant], KvDtype.BF16, 1)
    full = plan.block_bytes / plan.full_tokens
    assert full / 1024 == growth
    assert plan.sliding_groups * plan.block_bytes / plan.sliding_tokens * model.window_tokens / MIB == window
    for batched, told in ((2048, small), (8192, large)):
        blocks = plan.request_blocks(32768, in_flight_tokens=in_flight_tokens((0, 33), batched))
        assert blocks * plan.block_bytes / GIB == pytest.approx(told, abs=0.006)
