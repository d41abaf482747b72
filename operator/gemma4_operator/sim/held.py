"""What a Prometheus between the engines and a scaler tells: of each replica the last scrape, each at a turn of its own.

A scaler that looks more often sees the same sample several times, and of a replica that has just come nothing yet.
"""

from zlib import crc32

from gemma4_operator.scaling.sample import Replica, Sample


class Held:
    """The last scrape of each replica.

    Args:
        every_seconds: Between two scrapes of one replica.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._turns: dict[str, int] = {}
        self._samples: dict[str, Sample] = {}

    def told(self, replica: Replica) -> Sample | None:
        """Return what is told of a replica whose own sample is of this moment; None: it was not scraped yet."""
        if replica.sample is None:
            return None
        turn = self._turn(replica.name, replica.sample.at_seconds)
        if turn > self._turns.setdefault(replica.name, turn):
            self._turns[replica.name] = turn
            self._samples[replica.name] = replica.sample
        return self._samples.get(replica.name)

    def _turn(self, name: str, at_seconds: float) -> int:
        """Return how many scrapes there have been; the first of each is somewhere in the time between two."""
        first_seconds = crc32(name.encode()) % 1000 / 1000 * self._every_seconds
        return int((at_seconds + first_seconds) // self._every_seconds)
