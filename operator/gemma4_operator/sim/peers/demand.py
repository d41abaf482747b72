"""What a trace brings around a moment: the mix of requests that a rule would have to know beforehand."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from gemma4_operator.sim.peers.staffing import Mix
from gemma4_operator.sim.request import Request

_LONG_SHARE = 0.95
_BURST_SECONDS = 120
"""Over which it is counted how unevenly seconds fill."""
_LEAST_VARIATION, _MOST_VARIATION = 1.0, 8.0


class Demand:
    """A trace, by time."""

    def __init__(self, trace: Sequence[Request]) -> None:
        self._trace = sorted(trace, key=lambda request: request.arrival_seconds)
        self._arrivals = [request.arrival_seconds for request in self._trace]

    def around(self, at_seconds: float, *, window_seconds: float) -> Mix | None:
        """Return the mix of a window with that moment in its middle, as far as the trace goes; None: nothing comes."""
        start, end = at_seconds - window_seconds / 2, at_seconds + window_seconds / 2
        near = self._between(start, end)
        if not near:
            return None
        # Where the trace has begun or ends within the window, it is not idle there but unknown.
        known_seconds = min(end, self._arrivals[-1]) - max(start, 0.0)
        inputs = sorted(request.input_tokens for request in near)
        mean = sum(inputs) / len(inputs)
        spread = sum((tokens - mean) ** 2 for tokens in inputs) / len(inputs)
        return Mix(
            requests_per_second=len(near) / max(1.0, known_seconds),
            input_tokens=mean,
            long_input_tokens=inputs[min(len(inputs) - 1, int(_LONG_SHARE * len(inputs)))],
            output_tokens=sum(request.output_tokens for request in near) / len(near),
            arrival_variation=self._variation(at_seconds),
            input_variation=spread / mean**2 if mean else 0.0,
        )

    def _variation(self, at_seconds: float) -> float:
        """Return variance over mean of the arrivals of each second; where nothing comes, that of chance."""
        start = at_seconds - _BURST_SECONDS / 2
        near = self._between(start, start + _BURST_SECONDS)
        if not near:
            return _LEAST_VARIATION
        counts = Counter(int(request.arrival_seconds - start) for request in near)
        mean = len(near) / _BURST_SECONDS
        variance = sum(count * count for count in counts.values()) / _BURST_SECONDS - mean * mean
        return min(_MOST_VARIATION, max(_LEAST_VARIATION, variance / mean))

    def _between(self, start_seconds: float, end_seconds: float) -> Sequence[Request]:
        return self._trace[bisect_left(self._arrivals, start_seconds) : bisect_left(self._arrivals, end_seconds)]
