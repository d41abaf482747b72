"""Plans as they stand in a status: with all that can be told, with advice alone, and of the first version."""

from typing import Any

OLD_PLAN: dict[str, Any] = {
    "variant": "31B",
    "quantization": "FP8",
    "checkpoint": "RedHatAI/gemma-4-31B-it-FP8-dynamic@main",
    "engine": "VLLM",
    "engineVersion": "0.33.0",
    "image": "vllm/vllm-openai:v0.33.0",
    "gpusPerReplica": 1,
    "gpuProduct": "NVIDIA-L40S",
    "gpu": "1x NVIDIA-L40S",
    "contextTokens": 8192,
    "why": "It is what was asked for.",
}
"""A plan of the first version: nothing was chosen, so nothing else was told."""

FULL_PLAN: dict[str, Any] = OLD_PLAN | {
    "weightsBytes": 33259409504,
    "gpuResource": "nvidia.com/gpu",
    "nodeLabels": [{"name": "nvidia.com/gpu.product", "value": "NVIDIA-L40S"}],
    "maxBatchedTokens": 4096,
    "maxConcurrentRequests": 41,
    "kvCacheDtype": "fp8",
    "hostCacheMiB": 0,
    "hostMemoryMiB": 8012,
    "tries": 1,
    "memoryUtilizationPercent": 90,
    "replicas": 3,
    "memory": {
        "weightsMiB": 31500,
        "kvCacheMiB": 9000,
        "activationsMiB": 1100,
        "otherMiB": 1400,
        "totalMiB": 43000,
        "capacityMiB": 46068,
    },
    "predicted": {
        "timeToFirstTokenMilliseconds": 640,
        "timePerOutputTokenMicroseconds": 43000,
        "stepMicroseconds": 31000,
        "sequenceNanoseconds": 210000,
        "promptTokenNanoseconds": 98000,
        "requestsPerMinutePerReplica": 52,
        "loadSeconds": 75,
    },
    "hourlyCostPerReplica": "1.55",
    "hourlyCost": "4.65",
    "currency": "USD",
    "quality": "Highest",
    "licences": [{"of": "checkpoint", "name": "Apache-2.0"}, {"of": "image", "name": "Apache-2.0"}],
    "hash": "9f3c01d2",
    "notes": ["The price of NVIDIA-L40S is the table's, not yours."],
    "alternatives": [
        {
            "variant": "31B",
            "quantization": "BF16",
            "engine": "VLLM",
            "gpuProduct": "NVIDIA-H100-80GB-HBM3",
            "gpusPerReplica": 1,
            "hourlyCost": "9.00",
            "lostBecause": "costs 9.00 an hour in place of 4.65",
        },
        {
            "variant": "E4B",
            "quantization": "BF16",
            "engine": "VLLM",
            "lostBecause": "has 69.4 points of quality, and Standard asks for 72.0",
        },
    ],
    "relaxations": [],
}
"""A plan with everything that can be told."""

AUTOSCALING: dict[str, Any] = {
    "desiredReplicas": 3,
    "reason": "Demand",
    "message": "41 requests a minute take 3 replicas.",
    "lastScaleTime": "2026-11-25T12:00:00Z",
    "limitedBy": "spec.autoscaling.maxReplicas",
    "bootSeconds": 95,
    "speedPercent": 88,
    "cautionPercent": 105,
    "imbalancePercent": 100,
    "requestsPerMinute": 41,
    "expectedRequestsPerMinute": 47,
    "peakRequestsPerMinute": 60,
    "peakLoadPercent": 40,
    "forecastPercent": 110,
    "jumpReplicas": 3,
    "lostPermille": 7,
}
"""What an autoscaler decided, with everything that can be told."""

INFEASIBLE_PLAN: dict[str, Any] = {
    "alternatives": FULL_PLAN["alternatives"],
    "relaxations": [
        {
            "field": "spec.objectives.maximumHourlyCost",
            "value": "4.65",
            "message": "A limit of 4.65 allows 3 replicas of 31B in FP8.",
        },
        {"field": "spec.placement.gpusPerReplica", "message": "Without it, two GPUs each serve 31B in FP8."},
    ],
}
"""A plan that serves nothing, with what would help."""
