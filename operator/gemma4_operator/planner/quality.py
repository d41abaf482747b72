"""Quality in four words, from points of one public benchmark and what a quantization takes away."""

from enum import StrEnum

from gemma4_operator.catalog.checkpoints import Checkpoint
from gemma4_operator.catalog.models import Model


class Quality(StrEnum):
    """What a team can ask for; each is a floor in points of MMLU-Pro."""

    BASIC = "Basic"
    STANDARD = "Standard"
    HIGH = "High"
    HIGHEST = "Highest"

    @property
    def floor(self) -> float:
        """The least score of this word.

        Drawn between the members of the family (catalog/models.yaml): the E models are Basic, 12B is Standard, 26B-A4B
        High, 31B Highest, each with the quantizations that cost little.
        """
        return _FLOORS[self]


_FLOORS = {Quality.BASIC: 0.0, Quality.STANDARD: 72.0, Quality.HIGH: 80.0, Quality.HIGHEST: 83.5}


def score(model: Model, checkpoint: Checkpoint) -> float:
    """Return the points of a checkpoint, rounded to a tenth, which is more than the sources claim."""
    return round(model.score - checkpoint.score_loss, 1)


def quality_of(points: float) -> Quality:
    """Return the word for a score."""
    return [word for word, floor in _FLOORS.items() if floor <= points][-1]


def words_above(points: float) -> int:
    """Return how many words of quality a score does not reach."""
    return sum(floor > points for floor in _FLOORS.values())
