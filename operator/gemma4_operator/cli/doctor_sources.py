"""What `gemma4 doctor` asks of the cluster; imported only when it is asked."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from gemma4_operator.catalog.loader import builtin_catalog
from gemma4_operator.cli.access import Access
from gemma4_operator.cli.cluster import RESOURCE, asked
from gemma4_operator.cli.examination import Seen
from gemma4_operator.cli.inputs import Object
from gemma4_operator.cli.installed import Question, is_operator, questions
from gemma4_operator.kube.api import Api
from gemma4_operator.kube.errors import Forbidden, NotFound
from gemma4_operator.kube.kinds import DEPLOYMENT, NODE, POD, Kind
from gemma4_operator.kube.rights import DEFINITION, DIAGNOSIS, Right, rights
from gemma4_operator.planner.inventory import Inventory, inventory
from gemma4_operator.planner.node_view import node_view
from gemma4_operator.planner.uses import uses_of

_REVIEW = Kind(group="authorization.k8s.io", version="v1", kind="SubjectAccessReview", plural="subjectaccessreviews")
_AT_ONCE = 8
_Answer = TypeVar("_Answer")


def seen(access: Access) -> Seen:
    """Return what the cluster shows to whoever asks. Raises InvalidInput where it cannot be asked at all."""

    async def all_of(api: Api) -> Seen:
        operators = await _allowed(_operators(api))
        refused, refused_diagnosis = [
            await _allowed(_refused(api, operators or (), some)) for some in (rights(RESOURCE), DIAGNOSIS)
        ]
        return Seen(
            version=await _allowed(api.version()),
            definition=await _allowed(_definition(api)),
            operators=operators,
            denied=refused,
            denied_diagnosis=refused_diagnosis or (),
            inventory=await _allowed(_inventory(api)),
            resources=await _allowed(_resources(api)),
        )

    return asked(all_of, access, instead="a kubeconfig of another cluster")


async def _allowed(answer: Awaitable[_Answer]) -> _Answer | None:
    """Return an answer, None where whoever asks may not have it."""
    try:
        return await answer
    except Forbidden:
        return None


async def _items(api: Api, kind: Kind) -> Sequence[Object]:
    return (await api.list(kind)).items


async def _operators(api: Api) -> Sequence[Object]:
    """Return the operators' Deployments; whatever a chart's values call them, each tells its pods of a Lease."""
    return [one for one in await _items(api, DEPLOYMENT) if is_operator(one)]


async def _definition(api: Api) -> Object:
    name = f"{RESOURCE.plural}.{RESOURCE.group}"
    found = (await api.list(DEFINITION, field_selector=f"metadata.name={name}")).items
    return found[0] if found else {}


async def _resources(api: Api) -> Sequence[Object]:
    try:
        return await _items(api, RESOURCE)
    except NotFound:  # Without the definition there is no such kind.
        return ()


async def _inventory(api: Api) -> Inventory:
    nodes, pods = await _items(api, NODE), await _allowed(_items(api, POD))
    return inventory(map(node_view, nodes), uses_of(pods or ()), catalog=builtin_catalog())


async def _refused(api: Api, operators: Sequence[Object], asked_for: Sequence[Right]) -> list[str]:
    """Return the rights that an operator's account lacks. Raises Forbidden for whoever may not ask."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def is_refused(question: Question) -> bool:
        spec = {
            "user": question.user,
            "groups": list(question.groups),
            "resourceAttributes": dict(question.attributes),
        }
        review = {"apiVersion": _REVIEW.api_version, "kind": _REVIEW.kind, "metadata": {}, "spec": spec}
        async with places:
            return not (await api.create(_REVIEW, review))["status"]["allowed"]

    asked_all = [question for one in operators for question in questions(one, asked_for)]
    refused = await asyncio.gather(*map(is_refused, asked_all))
    return list(dict.fromkeys(question.text for question, no in zip(asked_all, refused, strict=True) if no))
