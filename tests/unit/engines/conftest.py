"""What the engines' tests share."""

import pytest

from gemma4_operator.engines.base import EnginePod, ExecProbe, HttpProbe, ScratchVolume


def budget_seconds(probe: HttpProbe | ExecProbe | None) -> int:
    assert probe is not None
    return probe.period_seconds * probe.failure_threshold


@pytest.fixture
def assert_sound():
    """A pod that cannot be wrong for reasons of arithmetic or of a name that leads nowhere."""

    def check(pod: EnginePod) -> None:
        names = [volume.name for volume in pod.volumes]
        assert len(names) == len(set(names))
        for container in (pod.container, *pod.init_containers):
            assert {mount.volume for mount in container.mounts} <= set(names)
            assert len({mount.path for mount in container.mounts}) == len(container.mounts)
            variables = [variable.name for variable in container.env]
            assert len(variables) == len(set(variables))
            for variable in container.env:
                assert (variable.value is None) == (variable.secret is not None)
        assert pod.container.drain_seconds < pod.grace_seconds
        assert budget_seconds(pod.container.startup_probe) <= pod.start_seconds + 10
        assert pod.container.port is not None
        assert pod.container.port >= 1024
        in_memory = [volume for volume in pod.volumes if isinstance(volume, ScratchVolume) and volume.in_memory]
        assert all(volume.size_bytes for volume in in_memory)

    return check
