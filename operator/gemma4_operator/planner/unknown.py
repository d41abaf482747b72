"""Names of GPUs in `spec.placement.gpuProducts` that mean nothing: a slip in one would else go unsaid."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.planner.inventory import GpuClass

_TOLD = 3
"""How many such names are told each; a spec may have dozens."""
_SUGGESTED = 3
_CLOSE = 0.5
"""How alike names must be, of 1, to be taken for each other's misspelling."""


def unknown_products(spec: Gemma4DeploymentSpec, catalog: Catalog, classes: Sequence[GpuClass]) -> Iterator[str]:
    """Yield a sentence for each of the first names that neither a node for these pods nor the catalogue has."""
    present = {name for one in classes for name in (one.product, one.device.product)}
    names = [name for name in spec.placement.gpu_products if name not in present and catalog.gpu(name) is None]
    if not names:
        return
    known = sorted(present.union(*(row.products for row in catalog.gpus)))
    for name in names[:_TOLD]:
        alike = get_close_matches(name, known, n=_SUGGESTED, cutoff=_CLOSE)
        meant = (
            f"did you mean {' or '.join(alike)}?" if alike else "see the label nvidia.com/gpu.product of your nodes."
        )
        yield (
            f"`spec.placement.gpuProducts` names {name}, which neither the catalogue nor a node for these pods has: "
            f"{meant}"
        )
    if len(names) > _TOLD:
        yield f"So it is with {len(names) - _TOLD} more."
