"""Causes in other words than the field cases: other versions, other programs, other kubelets."""

import pytest

from gemma4_operator.status.diagnosis.cause import find_cause
from gemma4_operator.status.evidence import gather
from tests.unit.status.failures import Failure
from tests.unit.status.further.engines_fail import CONFIGS, DEVICES, MEMORY, MODELS
from tests.unit.status.further.lives import DOWNLOADS, ENDS, SEEN
from tests.unit.status.further.placing import ADMISSION, SCHEDULING
from tests.unit.status.further.preparing import CREATION, IMAGES
from tests.unit.status.further.siblings import SIBLINGS

CASES: dict[str, Failure] = {
    f"{group}: {name}": case
    for group, cases in {
        "scheduling": SCHEDULING,
        "admission": ADMISSION,
        "image": IMAGES,
        "creation": CREATION,
        "memory": MEMORY,
        "device": DEVICES,
        "model": MODELS,
        "setting": CONFIGS,
        "seen": SEEN,
        "download": DOWNLOADS,
        "end": ENDS,
    }.items()
    for name, case in cases.items()
} | {f"sibling {number}": case for number, case in enumerate(SIBLINGS)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_cause_in_other_words(case: Failure) -> None:
    cause = find_cause(gather(case.pod, case.events, case.log))
    assert cause is not None
    assert (cause.reason, cause.message) == (case.reason, cause.message)
    assert [word for word in case.mention if word.lower() not in cause.message.lower()] == []


def test_there_are_many() -> None:
    assert len(CASES) > 150
