"""docs/reference/autoscaling.md, made of the results that are kept and of nothing else."""

from pathlib import Path

from gemma4_operator.sim.rules import sweep
from tests.bench.scaling import design, rest
from tests.bench.scaling.aims import GENEROUS, aims_table, beside_reference
from tests.bench.scaling.book import Book
from tests.bench.scaling.cells import STALE
from tests.bench.scaling.choice import OURS, REFERENCE
from tests.bench.scaling.grid import DESIGNED, UNPLANNED_TOKENS
from tests.bench.scaling.losses import beside_the_best, losses, unsettled
from tests.bench.scaling.player import BOOT_VARIATION, MAXIMUM, OBJECTIVES
from tests.bench.scaling.run import WORKLOADS, Run
from tests.bench.scaling.work import dated
from tests.bench.table import table

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "autoscaling.md"
_USUAL = Run(workload="", policy="")
_TIMES = tuple(text.partition("=")[2] for text in sweep(REFERENCE))


def page(book: Book) -> str:
    """Return the page."""
    book = dated(book)
    return f"""<!-- Made by `python -m tests.bench.scaling` of tests/data/scaling-bench.jsonl; do not edit. -->

# Autoscaling

What the operator's rule for replicas keeps and costs beside the rules that people use today, on the same traffic,
simulated. `make scaling-bench` plays what is missing and writes this page; [Scaling](../guides/scaling.md) says how to
use the rule. Cells read `99.78 @ 4.91`: so many percent of requests kept both objectives, at so many replicas on
average. ✗ marks those below the promise of 99 %, and *not played* what nobody has computed yet. {STALE} marks figures
that rest on a result of earlier code, until that is played again; an aim that rests on one is *not known yet*.

**Read it with care.** Everything here is a simulation of one engine model. The others' rules are written anew from
their documentation and sources, and see instantaneous metrics, without the delay that scraping and adapters have.
They get two things free of charge that their projects do not set: a router by two random choices, and the planner's
`maxBatchedTokens`. Differences in cost below 5 % are noise.
llm-d's rule reads its quantiles off vLLM's histograms, whose bounds are 1 and 2.5 s, 50 and 75 ms, where those of
llm-d's router have 2 s and 60 ms exactly. In a trial on conv8 with bounds like those, which no command here repeats,
it kept less with more replicas at `up=1`, so that vLLM's favour it there.
Beside a real engine the model of one [misses its own band in one cell](simulator.md): the median time to the first
token at 75 % load.
{_flattered(book)}
{_age(book)}

{tables(book)}
## What was played

{_workloads()}
* Engine: about Gemma 4 31B in BF16 on two H100s; a step takes 14 ms, and more for each sequence, each token of context
  and each prompt token that it reads. It batches {_USUAL.max_batched_tokens} tokens at most, which is what the planner
  chooses so that a full step keeps the time per token.
* Objectives: the first token within {OBJECTIVES.first_token_seconds:g} s, each further one within
  {1000 * OBJECTIVES.token_seconds:g} ms on average, for 99 % of all requests that come.
* A boot takes {_USUAL.boot_seconds:g} s with a standard deviation of {BOOT_VARIATION:.0%}; 1 to {MAXIMUM} replicas; a
  run starts with what its first five minutes need.
* The traffic that was held back is played with the settings that the other traffic chose, and never searched.

## What each figure means

* **Attainment**: requests that kept both objectives, of all that came. Those that were never answered count as missed.
* **Replicas**: the average over the traffic's time of all that exist, from the wish for one, so with its boot, until
  it has drained.
* **To clairvoyant**: replicas relative to those of a rule that knows the traffic and staffs for the most that comes
  within a boot; the mean over the workloads. It is a reference and no bound: it knows nothing of queues, where its
  formula is too frugal it fails as well, and where that is too generous others are cheaper. Hence the second column:
  relative to the cheapest that passes on that workload of those that staff for {_TIMES[0]} to {_TIMES[-1]} times what
  comes.
* **Best single setting**: of the settings in the last table, the cheapest (by the ratio to clairvoyant) that passes on
  all workloads; where none does, of those that pass on most. **Set for it alone**: the cheapest that passes there.
* **Worst five minutes**: the attainment of requests that came in the worst five minutes on end.

## How to run it again

```console
make scaling-bench                                       # plays what is missing, prints the tables, writes this page
python -m tests.bench.scaling --minutes 30 --jobs 2      # stops in good order; the most telling runs come first
python -m tests.bench.scaling --only llmd --only ramp    # runs or stages with that in them
python -m tests.bench.scaling --minutes 0                # plays nothing, writes the page of what is kept
gemma4 simulate --help                                   # one run, of a trace of your own
```

Results are kept in `tests/data/scaling-bench.jsonl`, each with a digest of the code that it depends on: a rule's
module and what it imports. Changed code makes its rows stale, and they are played again.

{_state(book)}

## All settings that were played

Two random choices, {_USUAL.max_batched_tokens} batched tokens, boots of {_USUAL.boot_seconds:g} s. Searches halve what
lies between a setting that fails and one that passes, so not every setting was played on every workload.

{design.sweeps(book)}"""


def tables(book: Book) -> str:
    """Return all that is found, without the sweeps."""
    book = dated(book)
    return f"""## What it is to reach, and what it reaches

{aims_table(book)}
## Where others are better

{_losses(book)}

{beside_the_best(book)}
## One setting for all

Ours is as it is shipped, with nothing set. Each of the others has its best single setting.

{design.singles(book)}
## With defaults

{design.defaults(book)}
## The best setting for each workload

What one reaches who knows the traffic beforehand and tunes for it. Ours is the same everywhere.

{design.owns(book)}
## Routing

The settings are those that were chosen with two random choices.

{rest.routing(book)}
At the best single setting for random routing:

{rest.routing_singles(book)}
## With a deadline queue in front

The queue holds requests until a replica can begin them soon, and lets those wait whose time is up already. With the
settings that were chosen without it:

{rest.gateway(book)}
At the best single setting for it:

{rest.gateway_singles(book)}
Percent kept in the worst five minutes:

{rest.worst_minutes(book)}
## Without the planner's batched tokens

Engines batch up to {UNPLANNED_TOKENS} tokens, as they do where nobody chooses: one long prompt then makes all others
wait for longer than the objective. The settings are those that were chosen with the planner's.

{rest.unplanned(book)}
## When something is wrong

{rest.trouble(book)}
## What each part is worth

{rest.parts(book)}
## Steps that nothing foretells

{WORKLOADS["steps"].about.capitalize()}, and {WORKLOADS["steps-long"].about}.
What comes faster than a boot cannot be scaled for: the first step costs what it costs, with every rule that scales.
Ours keeps what would have served it for an hour; `jumps=false` is without. Whoever knows beforehand that traffic is so
needs a floor (`minReplicas`).

{rest.steps(book)}
## Traffic that was held back

{rest.held_out(book)}"""


def _losses(book: Book) -> str:
    if not any(run.policy == OURS for run in book):
        return "Our own rule has not been played yet."
    found, waiting = losses(book), unsettled(book)
    told = "\n".join(f"* {sentence}" for sentence in found) or (
        "On no workload played so far does another rule with its one setting keep the promise with 5 % fewer replicas."
    )
    more = f"The one setting is still searched for of: {', '.join(waiting)}. What is told here lacks them."
    return f"{told}\n\n{more}" if waiting else told


def _flattered(book: Book) -> str:
    """Return how much one workload flatters ours beside the reference, by the results there are."""
    return (
        f"What is *to clairvoyant* is a mean over {len(DESIGNED)} workloads, which {GENEROUS} pulls down, since there\n"
        f"the reference's formula is too generous: ours is {beside_reference(book)}."
    )


def _workloads() -> str:
    return table(("workload", "what it is"), [(name, workload.about) for name, workload in WORKLOADS.items()])


def _age(book: Book) -> str:
    """Return how many results are of code that has changed since, which are told until they are played again."""
    stale = sum(kept.is_stale for run in book if (kept := book.kept(run)))
    if not stale:
        return "All of it is of the code as it is."
    return f"{stale} of its {len(book)} results are of earlier code, until they are played again."


def _state(book: Book) -> str:
    digests = {kept.digest for run in book if run.policy.partition(":")[0] == OURS and (kept := book.kept(run))}
    hours = sum(kept.cpu_seconds for run in book if (kept := book.kept(run))) / 3600
    by = f"; our own rule by {len(digests)} digests of its code and the traffic" if digests else ""
    return f"Kept now: {len(book)} runs, {hours:.1f} hours of one core{by}."


def write(book: Book, path: Path = PAGE) -> Path:
    """Write the page and return where it is."""
    path.write_text(page(book))
    return path
