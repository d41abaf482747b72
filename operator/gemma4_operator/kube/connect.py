"""Credentials: the pod's own ServiceAccount, or the kubeconfig of a person or a test."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import kopf
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import incluster_config, kube_config

from gemma4_operator.kube.kubeconfig import Config
from gemma4_operator.kube.shallow import ShallowResponse

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class NoCredentials(Exception):
    """There is neither a ServiceAccount nor a kubeconfig."""


def in_cluster() -> bool:
    """Whether the ServiceAccount counts: `KUBECONFIG` wins over it, as in kubectl."""
    return not os.environ.get("KUBECONFIG") and SERVICE_ACCOUNT.exists()


def _kubeconfig() -> Path:
    configured = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(configured) if configured else Path.home() / ".kube" / "config"


async def connect(*, user_agent: str, kubeconfig: Config | None = None, context: str | None = None) -> ApiClient:
    """Return the process's one authenticated client; it is lazy, so no request is made here.

    Args:
        user_agent: How it calls itself.
        kubeconfig: One that was read already; None: what the process finds around it.
        context: Which context of that one counts.

    Raises:
        NoCredentials: One sentence that says what to set.
    """
    configuration = Configuration()
    if kubeconfig is not None:
        await kube_config.load_kube_config_from_dict(
            dict(kubeconfig), context=context, client_configuration=configuration
        )
    elif in_cluster():
        incluster_config.load_incluster_config(client_configuration=configuration)
    else:
        path = _kubeconfig()
        if not path.exists():
            raise NoCredentials(
                f"There is no ServiceAccount token and no file '{path}': set KUBECONFIG or run in a cluster."
            )
        await kube_config.load_kube_config(config_file=str(path), client_configuration=configuration)
    if urlsplit(configuration.host).hostname in {"127.0.0.1", "localhost", "::1"}:
        # A proxy of the environment cannot reach this machine's loopback.
        configuration.proxy = None
    client = ApiClient(configuration=configuration)
    client.user_agent = user_agent
    return client


def kopf_login(client: ApiClient) -> kopf.AiohttpSession:
    """Give kopf the same server, authority and token that the client uses now, in a session that it closes itself.

    kopf asks again after a 401, and a ServiceAccount's token is re-read by then.
    """
    configuration = client.configuration
    if in_cluster():
        token: str | None = SERVICE_ACCOUNT.read_text().strip()
    else:
        token = (configuration.api_key.get("BearerToken") or "").removeprefix("Bearer ").strip() or None
    info = kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        token=token,
    )
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        trust_env=bool(info.trust_env),
        response_class=ShallowResponse,
    )
    return kopf.AiohttpSession(server=info.server, aiohttp_session=session)
