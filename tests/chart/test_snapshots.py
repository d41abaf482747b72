"""What Helm renders of the chart, word for word, for each set of values that people ask about.

`pytest tests/chart/test_snapshots.py --snapshot-update` writes the files anew; read the difference as users will see
it. The CRD is not in them: it is compared with crds/ elsewhere.
"""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.chart.conftest import VALUES, Render
from tests.snapshot.test_objects import YamlFile

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("case", VALUES)
def test_what_is_rendered(render: Render, case: str, snapshot: SnapshotAssertion):
    objects = render(*VALUES[case], "crds.enabled=false")
    assert objects == snapshot(name=case, extension_class=YamlFile)


def test_every_switch_changes_something(render: Render):
    """A set of values that renders what another does would be a snapshot of nothing."""
    rendered = [render(*sets, "crds.enabled=false") for sets in VALUES.values()]
    assert all(one != other for index, one in enumerate(rendered) for other in rendered[:index])
