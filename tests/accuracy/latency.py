"""How far off times are: per output token, under load, to the first token, and on GPUs that people reported."""

from collections.abc import Iterator

from gemma4_operator.api.common import EngineType
from gemma4_operator.planner.speed import speed
from tests.accuracy import gb10
from tests.accuracy.errors import ERROR_COLUMNS, MEDIAN, NINTH_TENTH, Pair, holds, line, table
from tests.accuracy.reports import Report, left_out, reports
from tests.accuracy.section import Section

PROMPT_MEDIAN, PROMPT_NINTH_TENTH = 0.15, 0.40
"""What is demanded of prompts: their kernels change from one version of an engine to the next."""
LOADED_NINTH_TENTH = 0.25


def tokens() -> Section:
    """Return the time per output token, on all measurements together."""
    pairs = (*gb10.token_pairs(), *_report_tokens(EngineType.VLLM))
    chose, held = [pair for pair in pairs if pair.chose], [pair for pair in pairs if not pair.chose]
    return Section(
        title="Time per output token",
        intro=f"""\
`gemma4 predict` and every plan rest on these. Demanded: median at most {MEDIAN:.0%}, nine tenths within
{NINTH_TENTH:.0%}. Measured on one DGX Spark (vLLM 0.26, cache in FP8, up to 20 streams; where prompts hold up the
answers of others, the whole wave is followed step by step) and in reports of vLLM and SGLang on other GPUs. Constants
were chosen on the rows with up to five streams and on the reports that planner/reach.py and planner/roofline.py name.
The others were seen, but nothing was fitted to them; a search for the best constants on the first part alone leaves the
errors of the second where they are. A positive bias means that the planner promises less than there is.""",
        columns=("source", "variant and format", *ERROR_COLUMNS),
        rows=table(pairs, lambda pair: (pair.source, pair.group)),
        verdict=(
            line("All", pairs),
            line("Rows on which constants were chosen", chose),
            line("Rows held out", held),
            line(
                "Of these, one stream or long answers, as `gemma4 predict --batch STREAMS` has it", [*gb10.step_pairs()]
            ),
        ),
        passed=holds(pairs) and holds(held),
    )


def under_load() -> Section:
    """Return the time per output token of requests that arrive by chance."""
    pairs = tuple(gb10.loaded_pairs())
    return Section(
        title="Time per output token under load",
        intro=f"""\
The planner's law for a busy replica: a step of b sequences, by the share of time that prompts leave. b is the mean
number of answers in flight (rate by length by time). All rows are held out. Left out are runs whose first tokens took
longer than 10 s on average: there a queue grows, and no mean describes it. Demanded: median at most {MEDIAN:.0%}, nine
tenths within {LOADED_NINTH_TENTH:.0%}. 31B comes out too fast, since its products slow down between 16 and 30 rows.""",
        columns=("variant and format", *ERROR_COLUMNS),
        rows=table(pairs, lambda pair: (pair.group,)),
        verdict=(line("All", pairs),),
        passed=holds(pairs, ninth_tenth_at_most=LOADED_NINTH_TENTH),
    )


def prompts() -> Section:
    """Return the time to the first token."""
    pairs = (*gb10.first_token_pairs(), *_report_prompts(EngineType.VLLM))
    return Section(
        title="Time to the first token",
        intro=f"""\
Demanded: median at most {PROMPT_MEDIAN:.0%}, nine tenths within {PROMPT_NINTH_TENTH:.0%}. The band is wider, since
kernels for heads of 512 differ between versions and GPUs, and a short prompt is mostly fixed costs. Left out is what
GB10 was sent first after a start (one stream, 1,024 tokens), which took longer than 4,096 tokens did later. Two RTX
3090 read prompts in six tenths of the predicted time: their data sheet halves the arithmetic, and they reach all.""",
        columns=("source", "variant and format", *ERROR_COLUMNS),
        rows=table(pairs, lambda pair: (pair.source, pair.group)),
        verdict=(line("All", pairs), line("Held out", [pair for pair in pairs if not pair.chose])),
        passed=holds(pairs, middle_at_most=PROMPT_MEDIAN, ninth_tenth_at_most=PROMPT_NINTH_TENTH),
    )


def single_reports() -> Section:
    """Return each report by itself, llama.cpp's too."""
    kinds = (
        ("token", [pair for engine in EngineType for pair in _report_tokens(engine)]),
        ("prompt", [pair for engine in EngineType for pair in _report_prompts(engine)]),
    )
    return Section(
        title="Speeds that people reported",
        intro="""\
Every report that can be compared. `prompt` is one prompt, or one token of prompts that fill the GPU. llama.cpp's rows
are few, and constants rest on most of them: take its speeds for a first guess.""",
        columns=("report", "of one", "measured ms", "predicted ms", "error", "constants rest on it"),
        rows=tuple(_single(kind, pair) for kind, pairs in kinds for pair in pairs),
    )


def not_compared() -> Section:
    """Return what was left out, and by which rule."""
    return Section(
        title="Reports of speed that are not compared",
        intro="Each is left out by a rule that looks at the report alone; tests/accuracy/rules.py has them all.",
        columns=("report", "because it"),
        rows=tuple((one.name, one.rule) for one in left_out()),
    )


def _report_tokens(engine: EngineType) -> Iterator[Pair]:
    for report in _of(engine):
        if report.token_seconds is None:
            continue
        rates = speed(report.shape)
        context = report.prompt_tokens + report.output_tokens / 2
        predicted = rates.decode_seconds(batch=report.streams, context_tokens=context)
        if report.streams > 1:
            # Each stream's answer is held up by the prompt that follows every other stream's answer.
            prompt = report.prompt_tokens * rates.prefill_seconds_per_token(report.prompt_tokens)
            predicted += report.streams * prompt / report.output_tokens
        yield _pair(report, report.token_seconds, predicted)


def _report_prompts(engine: EngineType) -> Iterator[Pair]:
    for report in _of(engine):
        rates = speed(report.shape)
        if report.first_token_seconds is not None:
            yield _pair(report, report.first_token_seconds, rates.prefill_seconds(report.prompt_tokens))
        if report.prompt_token_seconds is not None:
            predicted = rates.prefill_seconds_per_token(report.prompt_tokens)
            yield _pair(report, report.prompt_token_seconds, predicted)


def _of(engine: EngineType) -> Iterator[Report]:
    return (report for report in reports() if report.shape.engine is engine)


def _pair(report: Report, measured: float, predicted: float) -> Pair:
    shape = report.shape
    return Pair(
        source=report.source,
        group=f"{shape.model.variant} {shape.checkpoint.quantization}",
        label=report.name,
        measured_seconds=measured,
        predicted_seconds=predicted,
        chose=report.chose,
    )


def _single(kind: str, pair: Pair) -> tuple[str, ...]:
    times = (f"{pair.measured_seconds * 1000:.3g}", f"{pair.predicted_seconds * 1000:.3g}")
    return (pair.label, kind, *times, f"{pair.off:+.0%}", "yes" if pair.chose else "")
