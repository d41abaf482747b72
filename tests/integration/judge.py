"""The API server as a judge of deployments: one dry run each over one connection, a few milliseconds."""

import json
from pathlib import Path
from typing import Any

from kubernetes import client, config

from gemma4_operator.api.common import GROUP, VERSION
from gemma4_operator.api.deployment import PLURAL


class ServerJudge:
    """Sends deployments as server-side dry runs with strict field validation, as kubectl does."""

    def __init__(self, kubeconfig: Path, *, namespace: str) -> None:
        self._objects = client.CustomObjectsApi(config.new_client_from_config(str(kubeconfig)))
        self._namespace = namespace

    def refusal(self, body: dict[str, Any]) -> str | None:
        """Return why a deployment is refused; None: it is accepted."""
        try:
            self._create(body)
        except client.ApiException as error:
            if error.status not in {400, 422}:
                raise
            return str(json.loads(error.body)["message"])
        return None

    def stored(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the deployment as it would be stored."""
        return self._create(body)

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        created = self._objects.create_namespaced_custom_object(
            GROUP, VERSION, self._namespace, PLURAL, body, dry_run="All", field_validation="Strict"
        )
        assert isinstance(created, dict)
        return created
