"""Plays one run of the grid."""

import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import fmean

from gemma4_operator.sim.need import start_of
from gemma4_operator.sim.request import Request
from gemma4_operator.sim.result import result_of
from gemma4_operator.sim.rules import make
from gemma4_operator.sim.run import Circumstances
from gemma4_operator.sim.setting import Objectives, Setting
from gemma4_operator.sim.workloads import ENGINE
from gemma4_operator.sim.world import play
from tests.bench.scaling.book import AIM_PERCENT, Kept, kept_of
from tests.bench.scaling.run import WORKLOADS, Run

TRACES = Path(__file__).parents[2] / "data" / "traces"
OBJECTIVES = Objectives(first_token_seconds=2.0, token_seconds=0.06, attainment=AIM_PERCENT / 100)
BOOT_VARIATION = 0.1
MAXIMUM = 40
_TRACES_AT_ONCE = 6
"""A day is half a gigabyte, and takes a quarter of a minute to make."""


@lru_cache(maxsize=_TRACES_AT_ONCE)
def _traffic(workload: str, seed: int) -> tuple[tuple[Request, ...], float, float]:
    trace = WORKLOADS[workload].make(TRACES, seed)
    return trace, fmean(one.input_tokens for one in trace), fmean(one.output_tokens for one in trace)


def played(run: Run, digest: str) -> Kept:
    """Return a run's result, to be kept with the digest of the code as it is now."""
    trace, input_tokens, output_tokens = _traffic(run.workload, run.seed)
    setting = Setting(
        engine=replace(ENGINE, max_batched_tokens=run.max_batched_tokens),
        objectives=OBJECTIVES,
        boot_seconds=run.boot_seconds,
        boot_variation=BOOT_VARIATION,
        scrape_delay_seconds=run.delay_seconds,
        minimum=1,
        maximum=MAXIMUM,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
    circumstances = Circumstances(
        setting=setting,
        start=start_of(trace, setting),
        routing=run.routing,
        has_gateway=run.has_gateway,
        mean_life_seconds=run.mean_life_seconds,
        seed=run.seed,
    )
    started = time.process_time()
    policy = make(run.policy, setting=setting, trace=trace)
    result = result_of(play(trace, policy, circumstances=circumstances), OBJECTIVES)
    return kept_of(result, digest=digest, cpu_seconds=time.process_time() - started)
