"""The traffic as a load to staff for: how much comes, how large requests are, and how many of them fit.

A load is told in requests of the size that is believed in, so that a long prompt counts as several usual ones. What
people read are the requests that came.
"""

import math
from dataclasses import replace

from gemma4_operator.scaling.series import SPAN_SECONDS, Series, dispersion, mean
from gemma4_operator.scaling.staffing import Load
from gemma4_operator.scaling.terms import Terms

NOW_SECONDS, SIZES_SECONDS, _BURSTS_SECONDS = 60.0, 480.0, 120.0
"""Over which the load, the sizes of requests and the unevenness of their arrival are measured."""
_WEIGHT = 10.0
"""Of what is expected of a request, in requests: so many real ones weigh as much."""
_HELD_WEIGHT = 1.0
"""The same of what it holds of the cache, in requests that run all the time."""
_MOST_VARIATION = 8.0
_REQUESTS = 8.0
"""Times a request's work: over less, one that comes looks like more than an eighth of a replica."""


def load_of(terms: Terms, series: Series, *, imbalance: float, slowness: float) -> Load:
    """Return the work of the last minute, as requests of the size of the last minutes."""
    sizes = mean(series, SIZES_SECONDS)
    load = Load(
        requests_per_second=0.0,
        input_tokens=_blended(terms.input_tokens, sizes.prompt_tokens, sizes.prompts),
        output_tokens=max(1.0, _blended(terms.output_tokens, sizes.answer_tokens, sizes.answers)),
        variation=dispersion(series, _BURSTS_SECONDS, least=1.0, most=_MOST_VARIATION),
        imbalance=imbalance,
    )
    work = mean(series, max(NOW_SECONDS, _together_seconds(terms, load, slowness)))
    return replace(load, requests_per_second=requests(terms, load, work.work_seconds))


def spans_together(terms: Terms, load: Load, *, slowness: float) -> int:
    """Return over how many spans work is to be seen as one: of a slow engine, one request fills several."""
    return max(1, math.ceil(_together_seconds(terms, load, slowness) / SPAN_SECONDS))


def requests(terms: Terms, load: Load, work_seconds: float) -> float:
    """Return how many requests of a load's size are so much work."""
    return max(0.0, work_seconds) / _each(terms, load)


def came_per_request(terms: Terms, load: Load, series: Series) -> float:
    """Return how many requests came for each by which the load is told; 1 where nothing came."""
    sizes = mean(series, SIZES_SECONDS)
    told = requests(terms, load, sizes.work_seconds)
    return sizes.arrivals / told if told > 0 and sizes.arrivals > 0 else 1.0


def most_sequences(terms: Terms, series: Series) -> float:
    """Return how many requests fit into a replica, by how much of the cache those have held that ran."""
    sizes = mean(series, SIZES_SECONDS)
    held = _HELD_WEIGHT / terms.service.most_sequences + sizes.cache
    return (_HELD_WEIGHT + sizes.sequences) / held


def _together_seconds(terms: Terms, load: Load, slowness: float) -> float:
    """Return over how long work is measured, so that a single request is little of it."""
    return min(SIZES_SECONDS, _REQUESTS * slowness * _each(terms, load))


def _each(terms: Terms, load: Load) -> float:
    return terms.service.work_seconds(input_tokens=load.input_tokens, output_tokens=load.output_tokens)


def _blended(usual: float, tokens: float, requests: float) -> float:
    return (_WEIGHT * usual + SIZES_SECONDS * tokens) / (_WEIGHT + SIZES_SECONDS * requests)
