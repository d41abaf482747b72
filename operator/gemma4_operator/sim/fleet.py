"""All replicas of a run: they are made, boot, serve, leave and die, so that there are as many as are wished for."""

from collections.abc import Callable
from random import Random

from gemma4_operator.sim.engine import Engine
from gemma4_operator.sim.ledger import Ledger
from gemma4_operator.sim.member import Member
from gemma4_operator.sim.run import Circumstances, Life

Act = Callable[[float], None]
"""Something that is done at a time, which it gets."""
Later = Callable[[float, Act], None]
"""Have it done at that time."""


class Fleet:
    """The replicas.

    Attributes:
        wanted: How many there should be; those that leave are not among them.
        serving: Those that get requests.
    """

    def __init__(self, circumstances: Circumstances, ledger: Ledger, *, later: Later, on_serving: Act) -> None:
        self.wanted = circumstances.start
        self.serving: list[Member] = []
        self._all: list[Member] = []
        self._loading: list[Member] = []
        self._leaving: list[Member] = []
        self._setting = circumstances.setting
        self._mean_life_seconds = circumstances.mean_life_seconds
        self._ledger = ledger
        self._later = later
        self._on_serving = on_serving
        self._boots = Random(f"boots {circumstances.seed}")
        self._lives = Random(f"lives {circumstances.seed}")

    @property
    def present(self) -> list[Member]:
        """Those that are not gone."""
        return [member for member in self._all if member.gone_seconds is None]

    @property
    def lives(self) -> list[Life]:
        """What became of each."""
        return [
            Life(
                since_seconds=member.since_seconds,
                serving_since_seconds=member.serving_since_seconds,
                leaving_since_seconds=member.leaving_since_seconds,
                gone_seconds=member.gone_seconds,
            )
            for member in self._all
        ]

    @property
    def preemptions(self) -> int:
        """Of all engines."""
        return sum(member.engine.meter.preemptions for member in self._all)

    def begin(self) -> None:
        """Let those serve that are there from the start."""
        for _ in range(self.wanted):
            self._serve(self._make(0.0), 0.0)

    def advance(self, now_seconds: float) -> None:
        """Bring all to this moment; those that have nothing left to finish before they go were gone with it."""
        for member in self.serving:
            member.engine.advance(now_seconds)
        for member in [*self._leaving]:
            engine = member.engine
            engine.advance(now_seconds)
            if not engine.outstanding(now_seconds) and member.leaving_since_seconds is not None:
                self._leaving.remove(member)
                member.gone_seconds = max(member.leaving_since_seconds, engine.clock_seconds)

    def scale(self, wanted: int, now_seconds: float) -> None:
        """Let there be so many from now on; `advance` has reached this moment."""
        self.wanted = wanted
        missing = wanted - len(self._loading) - len(self.serving)
        for _ in range(missing):
            self._boot(now_seconds)
        for _ in range(-missing):
            if self._loading:
                self._loading.pop().gone_seconds = now_seconds
            else:
                self._leave(now_seconds)

    def _make(self, now_seconds: float) -> Member:
        engine = Engine(self._setting.engine, self._ledger, clock_seconds=now_seconds)
        member = Member(number=len(self._all), engine=engine, since_seconds=now_seconds)
        self._all.append(member)
        return member

    def _boot(self, now_seconds: float) -> None:
        member = self._make(now_seconds)
        self._loading.append(member)

        def done(at_seconds: float) -> None:
            if member.gone_seconds is None:
                self._loading.remove(member)
                self._serve(member, at_seconds)

        self._later(now_seconds + self._boot_seconds(), done)

    def _boot_seconds(self) -> float:
        mean, variation = self._setting.boot_seconds, self._setting.boot_variation
        if not mean or not variation:
            return mean
        # The gamma distribution: never negative, and with a longer tail than a normal one, as boots have.
        return self._boots.gammavariate(variation**-2, mean * variation**2)

    def _serve(self, member: Member, now_seconds: float) -> None:
        member.serving_since_seconds = now_seconds
        self.serving.append(member)
        if self._mean_life_seconds is not None:
            life_seconds = self._lives.expovariate(1 / self._mean_life_seconds)
            self._later(now_seconds + life_seconds, lambda at_seconds: self._die(member, at_seconds))
        self._on_serving(now_seconds)

    def _leave(self, now_seconds: float) -> None:
        """Send the emptiest away, of equals the newest; it goes at once if it has nothing to do."""
        emptiest = min(reversed(self.serving), key=lambda member: member.engine.outstanding(now_seconds))
        self.serving.remove(emptiest)
        self._leaving.append(emptiest)
        emptiest.leaving_since_seconds = now_seconds
        self.advance(now_seconds)

    def _die(self, member: Member, now_seconds: float) -> None:
        self.advance(now_seconds)
        if member.gone_seconds is not None:
            return
        member.engine.kill(now_seconds)
        member.gone_seconds = now_seconds
        (self.serving if member in self.serving else self._leaving).remove(member)
        self.scale(self.wanted, now_seconds)
