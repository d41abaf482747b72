"""Names of GPUs in `spec.placement.gpuProducts` that mean nothing: a slip in one would else go unsaid."""

from collections.abc import Iterator, Sequence

from gemma4_operator.api.deployment import Gemma4DeploymentSpec
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.catalog.products import alike
from gemma4_operator.planner.inventory import SLICE, GpuClass, kind_named

_TOLD = 3
"""How many such names are told each; a spec may have dozens."""
_SUGGESTED = 3


def unknown_products(spec: Gemma4DeploymentSpec, catalog: Catalog, classes: Sequence[GpuClass]) -> Iterator[str]:
    """Yield a sentence for each of the first names that neither a node for these pods nor the catalogue has."""
    present = {name for one in classes for name in (one.product, one.device.product)}
    names = [name for name in spec.placement.gpu_products if name not in present and kind_named(catalog, name) is None]
    if not names:
        return
    whole = sorted(present.union(*(row.products for row in catalog.gpus)))
    slices = [f"{name}{SLICE}{one.name}" for row in catalog.gpus for one in row.mig for name in row.products]
    for name in names[:_TOLD]:
        near = alike(name, slices if SLICE in name else whole, most=_SUGGESTED)
        meant = f"did you mean {' or '.join(near)}?" if near else "see the label nvidia.com/gpu.product of your nodes."
        yield (
            f"`spec.placement.gpuProducts` names {name}, which neither the catalogue nor a node for these pods has: "
            f"{meant}"
        )
    if len(names) > _TOLD:
        yield f"So it is with {len(names) - _TOLD} more."
