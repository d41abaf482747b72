"""Weights that the catalogue knows are planned as what they are, or not at all."""

from typing import Any

import pytest

from gemma4_operator.api.common import Quantization
from gemma4_operator.catalog.overrides import override
from gemma4_operator.planner.choose import choose, feasible
from gemma4_operator.planner.inventory import pools
from gemma4_operator.planner.plan import INVALID_SPEC, Plan, Rejection
from gemma4_operator.planner.workable import workable
from gemma4_operator.status.reasons import Reason
from tests.rendering import ANY, CATALOG, ENGINES, plan_of, spec_of

GOOGLE = "google/gemma-4-31B-it"
GGUF = "unsloth/gemma-4-31B-it-GGUF"


def named(variant: str, quantization: str, repository: str, *, revision: str = "main", **more: Any) -> dict[str, Any]:
    checkpoint = {"huggingFace": {"repository": repository, "revision": revision}, **more}
    return {"model": {"variant": variant, "quantization": quantization, "checkpoint": checkpoint}}


def tail(repository: str) -> str:
    return (
        ", since the catalogue knows the weights of `spec.model.checkpoint.huggingFace.repository` "
        f"'{repository}': name what they are, or the repository of what you want."
    )


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "another variant and format": (
        named("E2B", "FP8", GOOGLE),
        "`spec.model.variant` must be '31B', not 'E2B' and `spec.model.quantization` must be 'BF16', not 'FP8'"
        + tail(GOOGLE),
    ),
    "another variant": (named("E2B", "BF16", GOOGLE), "`spec.model.variant` must be '31B', not 'E2B'" + tail(GOOGLE)),
    "another format": (
        named("31B", "W4A16", GOOGLE),
        "`spec.model.quantization` must be 'BF16', not 'W4A16'" + tail(GOOGLE),
    ),
    "another size does not make it right": (
        named("31B", "W4A16", GOOGLE, sizeBytes=22_000_000_000),
        "`spec.model.quantization` must be 'BF16', not 'W4A16'" + tail(GOOGLE),
    ),
    "nor does another revision": (
        named("31B", "W4A16", GOOGLE, revision="v2"),
        "`spec.model.quantization` must be 'BF16', not 'W4A16'" + tail(GOOGLE),
    ),
    "no revision of one variant is another": (
        named("E2B", "BF16", GOOGLE, revision="v2", sizeBytes=10_000_000_000),
        "`spec.model.variant` must be '31B', not 'E2B'" + tail(GOOGLE),
    ),
    "in other capitals": (
        named("31B", "FP8", "Google/Gemma-4-31B-it"),
        "`spec.model.quantization` must be 'BF16', not 'FP8'" + tail("Google/Gemma-4-31B-it"),
    ),
    "a base model": (
        named("12B", "BF16", "google/gemma-4-31B"),
        "`spec.model.variant` must be '31B', not '12B'" + tail("google/gemma-4-31B"),
    ),
    "GGUF files as anything else": (
        named("31B", "BF16", GGUF),
        "`spec.model.quantization` must be 'Q6_K' or 'Q5_K_M' or 'Q4_K_M', not 'BF16'" + tail(GGUF),
    ),
    "anything else as GGUF files": (
        named("31B", "Q4_K_M", GOOGLE),
        "`spec.model.quantization` must be 'BF16', not 'Q4_K_M'" + tail(GOOGLE),
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_the_catalogue_knows_better_is_refused_with_the_right_words(case: str) -> None:
    data, sentence = MISTAKES[case]
    rejection = plan_of(data)
    assert rejection == Rejection(reason=INVALID_SPEC, message=sentence)
    assert Reason(rejection.reason) is Reason.INVALID_SPEC


def test_no_change_of_the_cluster_or_of_a_limit_is_offered_for_it() -> None:
    spec = spec_of(named("E2B", "FP8", GOOGLE))
    rejection = choose(spec, catalog=CATALOG, engines=ENGINES, classes=(ANY,))
    assert isinstance(rejection, Rejection)
    assert workable(rejection, spec, catalog=CATALOG, engines=ENGINES, classes=(ANY,)) == rejection
    assert feasible(spec, catalog=CATALOG, engines=ENGINES, classes=(ANY,)) is None


@pytest.mark.parametrize("row", CATALOG.checkpoints, ids=lambda row: row.file or row.repository)
def test_every_row_may_be_named_as_what_it_is(row: Any) -> None:
    plan = plan_of(named(row.variant, row.quantization, row.repository))
    if isinstance(plan, Rejection):
        assert plan.reason != INVALID_SPEC, plan.message
    else:
        assert (plan.variant, plan.quantization) == (row.variant, row.quantization)


@pytest.mark.parametrize("quantization", [Quantization.Q6_K, Quantization.Q5_K_M, Quantization.Q4_K_M])
def test_of_several_files_in_one_repository_the_one_of_the_format_is_counted(quantization: Quantization) -> None:
    plan = plan_of(named("31B", quantization, GGUF))
    (row,) = (one for one in CATALOG.of_repository(GGUF) if one.quantization is quantization)
    assert isinstance(plan, Plan), plan
    assert plan.weights_bytes == row.bytes
    assert not any("size of the weights is not known" in note for note in plan.notes)


ALLOWED: dict[str, dict[str, Any]] = {
    "a repository that nobody knows": named("E2B", "FP8", "team/gemma-4-31B-it"),
    "a mirror of one that is known": named("31B", "W4A16", "mirror/gemma-4-31B-it"),
    "a format of GGUF that is not listed": named("31B", "Q8_0", GGUF),
    "a revision with a format and size of its own": named(
        "31B", "W4A16", GOOGLE, revision="w4a16", sizeBytes=22_000_000_000
    ),
    "a claim": {
        "model": {"variant": "E2B", "quantization": "FP8", "checkpoint": {"claim": {"claimName": "a", "path": GOOGLE}}}
    },
    "a commit of what it is": named("31B", "BF16", GOOGLE, revision="0123456789abcdef0123456789abcdef01234567"),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_the_catalogue_cannot_know_is_the_users_to_say(case: str) -> None:
    assert isinstance(plan_of(ALLOWED[case]), Plan)


def test_a_teams_own_row_for_a_second_format_counts() -> None:
    text = (
        "checkpoints: [{variant: 31B, quantization: FP8, repository: google/gemma-4-31B-it, file: a.gguf, "
        "bytes: 33259409504, bits: {attention: 8, mlp: 8}, scoreLoss: 0.2, licence: Apache-2.0}]"
    )
    catalog, faults = override(CATALOG, text)
    assert faults == ()
    plan = choose(
        spec_of(named("31B", "FP8", GOOGLE)), catalog=catalog, engines=ENGINES, classes=pools(catalog, ["NVIDIA-H200"])
    )
    assert isinstance(plan, Plan), plan
    assert plan.weights_bytes == 33_259_409_504
