"""Quotas, as the API server tells of them when it refuses a pod: what they leave in place of the old ones."""

import pytest

from gemma4_operator.rollout.quota import places
from gemma4_operator.status.pods import PodView
from tests.unit.rollout.test_course import pod, stands

REFUSED = 'pods "chat-5d8c-x" is forbidden: exceeded quota: team, requested: {}, used: {}, limited: {}'
GPU = "requests.nvidia.com/gpu"


def old(*gpus: int) -> list[PodView]:
    return [pod(f"chat-{number}", of="old", gpus=count) for number, count in enumerate(gpus)]


@pytest.mark.parametrize(
    ("requested", "used", "limited", "gpus", "left"),
    [
        (f"{GPU}=1", f"{GPU}=2", f"{GPU}=2", (1, 1), 2),
        (f"{GPU}=1", f"{GPU}=8", f"{GPU}=8", (1,), 1),
        (f"{GPU}=4", f"{GPU}=2", f"{GPU}=2", (1, 1), 0),
        (f"{GPU}=2", f"{GPU}=8", f"{GPU}=8", (1, 1, 1), 1),
        (f"{GPU}=1", f"{GPU}=8", f"{GPU}=2", (1, 1), 0),
        ("pods=1", "pods=4", "pods=4", (1, 1), 2),
        (f"pods=1,{GPU}=2", f"pods=4,{GPU}=8", f"pods=4,{GPU}=8", (1, 1), 1),
        ("requests.memory=64Gi", "requests.memory=128Gi", "requests.memory=128Gi", (1, 1), 2),
        ("requests.memory=64Gi", "requests.memory=8Gi", "requests.memory=32Gi", (1, 1), 0),
        ("requests.cpu=500m", "requests.cpu=2", "requests.cpu=2", (1,), 1),
        (f"{GPU}=1", f"{GPU}=2", f"{GPU}=2", (), 0),
    ],
    ids=[
        "all of it is the old ones'",
        "others have the rest",
        "one asks for more than there may be",
        "two old ones for a new one",
        "it was lowered",
        "of pods",
        "of pods and of GPUs",
        "of memory",
        "of less memory than one asks for",
        "of parts of a CPU",
        "no old one is left",
    ],
)
def test_what_is_left_without_the_old_ones(
    requested: str, used: str, limited: str, gpus: tuple[int, ...], left: int
) -> None:
    assert places(REFUSED.format(requested, used, limited), old(*gpus)) == left


@pytest.mark.parametrize(
    "refused",
    ["", 'pods "chat-x" is forbidden: violates PodSecurity "restricted:latest"', "exceeded quota: gpus"],
    ids=["nothing", "another policy", "without numbers"],
)
def test_what_no_quota_refuses_is_no_matter_of_one(refused: str) -> None:
    """No old pod may go for a new one that a policy never lets in."""
    assert places(refused, old(1)) is None
    assert stands(*old(1), refused=refused).room == 3


def test_beside_the_old_ones_there_is_no_room() -> None:
    refused = REFUSED.format(f"{GPU}=1", f"{GPU}=8", f"{GPU}=8")
    found = stands(*old(1), refused=refused)
    assert (found.room, found.room_without_old) == (0, 1)
