"""What the page says of figures, good and bad."""

from dataclasses import replace

from tests.bench.engine.compare import Load
from tests.bench.engine.fit import Fitted
from tests.bench.engine.page import page, verdict
from tests.unit.bench.engine.made import MODEL

LOW = Load(
    share=0.5,
    requests=100,
    requests_per_second=1.25,
    step_seconds=0.012,
    first_token_real=(0.2, 0.1, 0.4),
    first_token_simulated=(0.19, 0.11, 0.9),
    token_real=(0.03, 0.03, 0.04),
    token_simulated=(0.03, 0.028, 0.04),
)
HIGH = Load(
    share=0.9,
    requests=200,
    requests_per_second=2.25,
    step_seconds=0.013,
    first_token_real=(2.0, 1.0, 4.0),
    first_token_simulated=(4.0, 1.5, 9.0),
    token_real=(0.06, 0.06, 0.08),
    token_simulated=(0.05, 0.06, 0.07),
)


def test_both_agree() -> None:
    assert verdict([LOW, HIGH]).splitlines() == [
        "* **First token**: up to 75 % load means and medians are 0.95 to 1.10 times the engine's, above it 1.50 to"
        " 2.00; the band of 35 % up to there is kept. Both rise from level to level: yes.",
        "* **Further tokens**: up to 75 % load means and medians are 0.93 to 1.00 times the engine's, above it 0.83 to"
        " 1.00; the band of 35 % up to there is kept. Both rise from level to level: yes.",
    ]


def test_a_band_that_is_missed_is_said() -> None:
    (first, _) = verdict([replace(LOW, first_token_simulated=(0.28, 0.1, 0.4))]).splitlines()
    assert "the band of 35 % up to there is **missed**" in first
    assert "above it" not in first


def test_so_is_a_trend_that_only_one_has() -> None:
    (first, further) = verdict([LOW, replace(HIGH, first_token_simulated=(0.1, 0.1, 0.1))]).splitlines()
    assert first.endswith("from level to level: **no**.")
    assert further.endswith("from level to level: yes.")


def test_the_page_has_every_figure_in_milliseconds() -> None:
    text = page(Fitted(model=MODEL, way_seconds=0.004), [LOW, HIGH], machine="2 cores", foreign=0.03)
    assert "10.0 ms for a step, and more:\n0.50 ms for each sequence," in text
    assert "Others used 3 % of the machine meanwhile (2 cores)." in text
    (low,) = [line for line in text.splitlines() if line.startswith("| 50 %") and "200.0" in line]
    assert [cell.strip() for cell in low.split("|")[2:-1]] == [
        *("1.25", "12.0", "200.0", "190.0", "100.0", "110.0", "400.0", "900.0")
    ]
