"""Every metric of the operator: its name, its kind, its labels and its sentence.

/metrics and docs/reference/metrics.md both draw from here, so a metric that is not listed cannot be shown. Names and
units follow Prometheus' rules (https://prometheus.io/docs/practices/naming/): base units, `_total` for counters,
`_info` for what is only labels.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a scrape reads."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric.

    Attributes:
        labels: Of a resource's metric, those beside `namespace` and `name`.
    """

    name: str
    kind: Kind
    sentence: str
    labels: tuple[str, ...] = ()


def _family(kind: Kind, name: str, sentence: str, *labels: str) -> Family:
    return Family(name=name, kind=kind, sentence=sentence, labels=labels)


INFO = _family(Kind.GAUGE, "gemma4_operator_info", "1, with the operator's version.", "version")
LEADER = _family(
    Kind.GAUGE, "gemma4_operator_leader", "1 while this process leads, with namespace and name of its Lease.", "lease"
)
RECONCILE_SECONDS = _family(
    Kind.HISTOGRAM, "gemma4_operator_reconcile_seconds", "Duration of one pass over one Gemma4Deployment.", "outcome"
)
RECONCILE_ERRORS = _family(
    Kind.COUNTER,
    "gemma4_operator_reconcile_errors_total",
    "Passes that ended with an error; each is tried again.",
    "error",
)
QUEUE_DEPTH = _family(
    Kind.GAUGE, "gemma4_operator_queue_depth", "Gemma4Deployments that wait for a worker or for their time."
)
QUEUE_OLDEST_SECONDS = _family(
    Kind.GAUGE,
    "gemma4_operator_queue_oldest_seconds",
    "How long the one that is most overdue has waited for a worker.",
)
API_REQUESTS = _family(
    Kind.COUNTER,
    "gemma4_operator_api_requests_total",
    "Requests to the API server, watches aside; code 0 is a request without an answer.",
    "verb",
    "kind",
    "code",
)
API_REQUEST_SECONDS = _family(
    Kind.HISTOGRAM, "gemma4_operator_api_request_seconds", "Duration of one request to the API server.", "verb"
)
EVENTS_DROPPED = _family(Kind.COUNTER, "gemma4_operator_events_dropped_total", "Events that could not be published.")
CATALOG_FAULTS = _family(
    Kind.GAUGE,
    "gemma4_operator_catalog_faults",
    "Entries of the catalogue's override that are not used; the log says why.",
)

OPERATOR = (
    INFO,
    LEADER,
    RECONCILE_SECONDS,
    RECONCILE_ERRORS,
    QUEUE_DEPTH,
    QUEUE_OLDEST_SECONDS,
    API_REQUESTS,
    API_REQUEST_SECONDS,
    EVENTS_DROPPED,
    CATALOG_FAULTS,
)
"""Those of the process."""

DEPLOYMENTS = _family(
    Kind.GAUGE, "gemma4_deployments", "Gemma4Deployments by the reason of their Ready condition.", "reason"
)

PLAN_INFO = _family(
    Kind.GAUGE,
    "gemma4_deployment_info",
    "1, with what was planned; absent while there is no plan.",
    "variant",
    "quantization",
    "engine",
    "gpu_product",
)
CONDITION = _family(
    Kind.GAUGE,
    "gemma4_deployment_condition",
    "1 while the condition is True, 0 while it is False or Unknown, with its reason.",
    "condition",
    "reason",
)
GENERATION = _family(Kind.GAUGE, "gemma4_deployment_generation", "How often the spec was changed.")
OBSERVED_GENERATION = _family(
    Kind.GAUGE, "gemma4_deployment_observed_generation", "The generation that the status is about."
)
DESIRED_REPLICAS = _family(
    Kind.GAUGE, "gemma4_deployment_desired_replicas", "Pods that should run, by the spec or by its autoscaler."
)
REPLICAS = _family(Kind.GAUGE, "gemma4_deployment_replicas", "Pods that exist.")
READY_REPLICAS = _family(Kind.GAUGE, "gemma4_deployment_ready_replicas", "Pods that answer requests.")
SCALING_LIMITED = _family(
    Kind.GAUGE,
    "gemma4_deployment_scaling_limited",
    "1 while the autoscaler asks for fewer pods than are needed, with what keeps it; absent otherwise.",
    "limit",
)
GPUS = _family(Kind.GAUGE, "gemma4_deployment_gpus", "GPUs that the pods which exist take.")
HOURLY_COST = _family(
    Kind.GAUGE,
    "gemma4_deployment_hourly_cost",
    "What the pods that exist cost in an hour, by the price table.",
    "currency",
)
PREDICTED_MEMORY_BYTES = _family(
    Kind.GAUGE, "gemma4_deployment_predicted_memory_bytes", "What the plan puts into the memory of each GPU.", "part"
)
GPU_MEMORY_BYTES = _family(Kind.GAUGE, "gemma4_deployment_gpu_memory_bytes", "The memory that each GPU has.")
PREDICTED_CACHE_TOKENS = _family(
    Kind.GAUGE,
    "gemma4_deployment_predicted_kv_cache_tokens",
    "Tokens that the plan expects the cache of one pod to hold; there once a pod has said how many it holds.",
)
CACHE_TOKENS = _family(
    Kind.GAUGE,
    "gemma4_deployment_kv_cache_tokens",
    "Tokens that the cache of one pod holds, as its engine says; vLLM alone does.",
)
PREDICTED_LOAD_SECONDS = _family(
    Kind.GAUGE, "gemma4_deployment_predicted_load_seconds", "How long the plan expects a pod to load, downloads aside."
)
LOAD_SECONDS = _family(
    Kind.GAUGE,
    "gemma4_deployment_load_seconds",
    "How long the first pod of the plan took from its container's start until it served, downloads included.",
)
PREDICTED_FIRST_TOKEN_SECONDS = _family(
    Kind.GAUGE,
    "gemma4_deployment_predicted_time_to_first_token_seconds",
    "How long the plan expects a usual prompt to wait for the first token.",
)
PREDICTED_OUTPUT_TOKEN_SECONDS = _family(
    Kind.GAUGE,
    "gemma4_deployment_predicted_time_per_output_token_seconds",
    "How long the plan expects each further token to take.",
)
OBJECTIVE_SECONDS = _family(
    Kind.GAUGE,
    "gemma4_deployment_objective_seconds",
    "The longest that `spec.objectives` allows; absent: any time.",
    "time",
)
OBJECTIVE_ATTAINMENT = _family(
    Kind.GAUGE,
    "gemma4_deployment_objective_attainment_ratio",
    "The share that must keep the objectives, 0 to 1; absent without any.",
)
FIRST_TOKEN_SECONDS = _family(
    Kind.SUMMARY,
    "gemma4_deployment_time_to_first_token_seconds",
    "How long requests waited for the first token, as the engines count.",
)
FIRST_TOKENS_IN_TIME = _family(
    Kind.COUNTER,
    "gemma4_deployment_first_tokens_in_time_total",
    "Those of them that kept the objective; between two bounds of the engine's buckets, as their tail falls; times "
    "that are all alike count evenly.",
)
OUTPUT_TOKEN_SECONDS = _family(
    Kind.SUMMARY,
    "gemma4_deployment_time_per_output_token_seconds",
    "How long each further token took, as the engines count.",
)
OUTPUT_TOKENS_IN_TIME = _family(
    Kind.COUNTER,
    "gemma4_deployment_output_tokens_in_time_total",
    "Those of them that kept the objective; between two bounds of the engine's buckets, as their tail falls; times "
    "that are all alike count evenly.",
)

TOLD = (
    PLAN_INFO,
    CONDITION,
    GENERATION,
    OBSERVED_GENERATION,
    DESIRED_REPLICAS,
    REPLICAS,
    READY_REPLICAS,
    SCALING_LIMITED,
    GPUS,
    HOURLY_COST,
    PREDICTED_MEMORY_BYTES,
    GPU_MEMORY_BYTES,
    PREDICTED_CACHE_TOKENS,
    CACHE_TOKENS,
    PREDICTED_LOAD_SECONDS,
    LOAD_SECONDS,
    PREDICTED_FIRST_TOKEN_SECONDS,
    PREDICTED_OUTPUT_TOKEN_SECONDS,
    OBJECTIVE_SECONDS,
    OBJECTIVE_ATTAINMENT,
)
"""Those of one Gemma4Deployment that its spec and its status say."""

TIMED = (FIRST_TOKEN_SECONDS, FIRST_TOKENS_IN_TIME, OUTPUT_TOKEN_SECONDS, OUTPUT_TOKENS_IN_TIME)
"""Those of one Gemma4Deployment that its engines say; only where the operator scales it, and so reads them."""

ALL = (*OPERATOR, DEPLOYMENTS, *TOLD, *TIMED)
