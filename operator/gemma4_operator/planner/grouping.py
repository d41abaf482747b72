"""Nodes put together by what their GPUs are, each kind of which is looked up once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gemma4_operator.catalog.gpus import Gpu
from gemma4_operator.catalog.loader import Catalog
from gemma4_operator.planner.identify import HOST_LABEL, Identity, Unclear, identify, rows_by_name
from gemma4_operator.planner.node_labels import Told
from gemma4_operator.planner.node_view import NodeView

_MIB = 2**20


Member = tuple[NodeView, int, int]
"""A node of a class: how many GPUs it has, and how many of them are in use."""


@dataclass(slots=True, kw_only=True)
class Group:
    """The GPUs of one class, while their nodes are counted.

    Attributes:
        told: By the first node; others differ from it in memory at most.
        memory_mib: Of one GPU or slice, the smallest.
        members: Its nodes.
    """

    told: Told
    identity: Identity
    memory_mib: int
    members: list[Member] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where GPUs belong that tell the same."""

    group: Group
    doubt: str


class Groups:
    """All groups, and what could not be put in one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._named = rows_by_name(catalog)
        self._rows: dict[str, tuple[Gpu, ...]] = {}
        self._sure: dict[Told, _Place | Unclear] = {}
        self._unsure: dict[tuple[Told, int, str], _Place | Unclear] = {}
        self._groups: dict[tuple[object, ...], Group] = {}
        self._remarks: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def remark(self, view: NodeView, what: str) -> None:
        """Keep the rest of a sentence about a node."""
        self._remarks.setdefault(what, []).append(view.name)

    def remarks(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what was remarked, and the sorted names of the nodes it holds of."""
        yield from ((what, sorted(names)) for what, names in self._remarks.items())

    def put(self, view: NodeView, told: Told, gpus: int, used: int) -> None:
        """Put a node's GPUs where they belong."""
        place = self._sure.get(told) or self._look_up(view, told)
        if isinstance(place, Unclear):
            self.remark(view, place)
            return
        if place.doubt:
            self.remark(view, place.doubt)
        place.group.members.append((view, gpus, used))

    def _look_up(self, view: NodeView, told: Told) -> _Place | Unclear:
        """Find the place. Only where labels do not tell what GPUs are, it hangs on the node as well."""
        rows = self._rows_of(told.product)
        is_tacit = told.memory_mib is None
        if told.label and not is_tacit:
            place = self._sure[told] = self._place(told, rows, machine_mib=0, host="")
            return place
        machine_mib = view.memory_bytes // _MIB if is_tacit and rows and rows[0].unified_memory else 0
        # One product of one size is found by its name, unless the machine's own memory speaks against it.
        is_found_by_name = bool(told.label) and len(rows) == 1 and not rows[0].unified_memory
        host = "" if is_found_by_name else str(view.labels.get(HOST_LABEL, view.name))
        found = self._unsure.get((told, machine_mib, host))
        if found is None:
            found = self._unsure[told, machine_mib, host] = self._place(told, rows, machine_mib=machine_mib, host=host)
        return found

    def _rows_of(self, product: str) -> tuple[Gpu, ...]:
        """Return the catalogue's rows of a product label; none for one it does not know."""
        rows = self._rows.get(product)
        if rows is None:
            first = self._catalog.gpu(product) if product else None
            rows = self._rows[product] = self._named[first.products[0]] if first is not None else ()
        return rows

    def _place(self, told: Told, rows: tuple[Gpu, ...], *, machine_mib: int, host: str) -> _Place | Unclear:
        identity = identify(told, rows=rows, machine_mib=machine_mib, host=host)
        if isinstance(identity, Unclear):
            return identity
        kind = (told.resource, told.label, told.profile, told.shared_by, *identity.kind)
        group = self._groups.get(kind)
        if group is None:
            group = self._groups[kind] = Group(told=told, identity=identity, memory_mib=identity.memory_mib)
        group.memory_mib = min(group.memory_mib, identity.memory_mib)
        return _Place(group, identity.doubt)
