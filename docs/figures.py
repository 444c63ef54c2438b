"""The pages of figures: what `nox -s bench` measured last, and what follows from it for larger catalogues."""

from __future__ import annotations

import json
import math
import statistics
import tomllib
from pathlib import Path

from offers_cli.queue.keys import RESULT_TTL_S

DOCS = Path(__file__).parent
RATIOS = tomllib.loads((DOCS.parent / "bench" / "ratios.toml").read_text("utf-8"))
RESULTS = json.loads((DOCS / "benchmarks.json").read_text("utf-8"))

# The table of all that is measured

BENCHMARKS_HEAD = """\
# Benchmarks

<!-- Written by docs/generate.py from benchmarks.json, which `nox -s bench` writes. -->

`nox -s bench` measures all of this in one run, prints this table and writes this page. What is compared takes turns, so
that both have the same machine; the machine carries the shop, Redis and all workers besides. A figure is the median of
its runs, with their range. × is a ratio: of a cost, less is better, of a rate, more. A row without a figure was not
measured in the last run. What it takes for larger catalogues is [computed from these figures](scale.md).

"""


def benchmarks() -> str:
    """What `nox -s bench` measured last: one table of all rows, then the details."""
    rows = ["| what | figure | goal | before | measured by |\n|---|---:|---:|---:|---|\n"]
    for name, ratio in RATIOS.items():
        goal = f"≤ {ratio['most']:g}" if "most" in ratio else f"≥ {ratio['least']:g}" if "least" in ratio else "–"
        before = _figure(ratio["before"]) if "before" in ratio else "–"
        rows.append(f"| {ratio['what']} | {_measured(name)} | {goal} | {before} | `bench/{ratio['bench']}` |\n")
    machine, versions = RESULTS["machine"], RESULTS["versions"]
    where = (
        f"Measured on {RESULTS['date']}: {machine['system']}, {machine['architecture']}, {machine['processor']}, "
        f"{machine['cores']} cores; {', '.join(f'{name} {number}' for name, number in versions.items())}.\n\n"
    )
    details = [f"\n## {name}\n\n{text}\n" for name, text in RESULTS["tables"].items()]
    return "".join([BENCHMARKS_HEAD, where, *rows, *details])


def _measured(name: str) -> str:
    values = RESULTS["rows"].get(name)
    if not values:
        return "–"
    ratio, median = RATIOS[name], statistics.median(values)
    spread = f" ({_figure(min(values))}–{_figure(max(values))})" if len(values) > 1 else ""
    missed = median > ratio.get("most", math.inf) or median < ratio.get("least", -math.inf)
    return f"{_figure(median)} {ratio['unit']}{spread}" + (" **missed**" if missed else "")


def _figure(value: float) -> str:
    """Three digits that count, and no more."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


# What larger catalogues take

SIZES = (100_000, 10_000_000, 100_000_000)
PASS_DAYS, DELAY_S, PAGE_S = 7, 0.5, 2.0
QUEUED_AT_ONCE = 100_000
SLOTS = 64
"""The most jobs at once that one process chooses by itself."""
BUSY = 0.7
"""The share of a core that is planned for work."""
FREE_GB, PRO_GB, PRO_USD, USD_PER_GB = 0.5, 8, 25, 0.125
USED = (
    "pace_one_egress",
    "job_cpu",
    "processes_pss",
    "queued_job",
    "failed_job",
    "claim_single",
    "database_offer",
    "page_packed",
)

SCALE_HEAD = """\
# What a larger catalogue takes

<!-- Written by docs/generate.py from benchmarks.json; computed, not measured. -->

This page is paper: nobody has run a hundred million offers. It multiplies [what was measured](benchmarks.md), and says
below where each figure comes from. Every page is read once in {days} days and takes {page_s:g} s to come, all from one
host, at the delay that is the default. A worker process has up to {slots} jobs at once (`auto`), and {busy:.0%} of a
core are planned for work. Cards that tell all that is needed spare their page
([`ENRICHMENT_TRUST_CARDS`](fetching.md)): then all is less.

""".format(days=PASS_DAYS, page_s=PAGE_S, slots=SLOTS, busy=BUSY)  # noqa: UP032
SCALE_LIMITS = """
**What gives out first.** At 100,000 offers nothing does: one process, one egress and SQLite on the smallest machine are
idle for most of the week. It is the pace that makes a first pass take so long, and that is on purpose.

At 10 million it is the egress. One would take months, so there are as many as the table says, or the pass is as
much longer: no larger machine makes up for them. The second is the memory of Redis, if everything is queued at once:
`offers enqueue-missing --limit {queued}` from a timer keeps the queue short, and what is not queued is not lost, for
the database knows what it lacks. SQLite still does, for workers on one machine.

At 100 million egresses come first again. Then come the network and the database: SQLite has one writer and one machine,
so it is Postgres, whose indexes must lie in its memory for the counts and sorts of `list` to be quick; its machine
costs more than its disk. Redis does not give out: claims take a small share of its one core.

## The figures

| row | what | figure | |
|---|---|---:|---|
""".format(queued=QUEUED_AT_ONCE)  # noqa: UP032
SCALE_PRICES = """
These sizes are those of offers without their prices over time. With them, a year of 10,000 offers a day stays
[under 500 MB](storage.md#what-is-old) where the schedule prunes it.

Besides, finished jobs are kept for {kept_s} s. Supabase's prices are those of its list: {pro} USD a month with {pro_gb}
GB of disk, {more} USD for each GB more, free up to {free:g} GB. A larger machine, and proxies, come on top.
""".format(kept_s=RESULT_TTL_S, pro=PRO_USD, pro_gb=PRO_GB, more=USD_PER_GB, free=FREE_GB)  # noqa: UP032


def scale() -> str:
    """What it takes to run catalogues of three sizes, computed from the figures that were measured."""
    columns = [_demand(size) for size in SIZES]
    head = "| |" + "".join(f" {size:,} offers |" for size in SIZES) + "\n|---|" + "---:|" * len(SIZES) + "\n"
    rows = [f"| {what} | {' | '.join(column[what] for column in columns)} |\n" for what in columns[0]]
    figures = []
    for name in USED:
        origin = "measured" if name in RESULTS["rows"] else "an earlier run"
        figure = f"{_figure(_value(name))} {RATIOS[name]['unit']}"
        figures.append(f"| `{name}` | {RATIOS[name]['what']} | {figure} | {origin} |\n")
    return "".join([SCALE_HEAD, head, *rows, SCALE_LIMITS, *figures, SCALE_PRICES])


def _value(name: str) -> float:
    found = RESULTS["rows"].get(name)
    return float(statistics.median(found) if found else RATIOS[name]["before"])


def _demand(offers: int) -> dict[str, str]:
    allowed = _value("pace_one_egress") / 100 / DELAY_S
    rate = offers / PASS_DAYS / 86_400
    cores = rate * _value("job_cpu") / 1000
    processes = max(math.ceil(cores / BUSY), math.ceil(rate * PAGE_S / SLOTS))
    queued = min(offers, QUEUED_AT_ONCE) + rate * RESULT_TTL_S
    redis_mb = (queued * _value("queued_job") + offers / 100 * _value("failed_job")) / 1000
    database_gb = offers * _value("database_offer") / 1e6
    return {
        "all pages once, by one egress": _duration(offers / allowed),
        f"pages a second, for all in {PASS_DAYS} days": _figure(rate),
        f"egresses at the delay of {DELAY_S:g} s": f"{math.ceil(rate / allowed):,}",
        "worker processes": f"{processes:,}",
        "CPU of the workers": f"{_figure(cores)} cores",
        "memory of the workers": f"{_figure(processes * _value('processes_pss'))} MB",
        "network, packed pages": f"{_figure(rate * _value('page_packed') / 1000)} MB/s",
        f"Redis, {QUEUED_AT_ONCE:,} queued at the most, 1 % failed": f"{_figure(redis_mb)} MB",
        "Redis, were all queued at once": f"{_figure(offers * _value('queued_job') / 1e6)} GB",
        "CPU of Redis for claims": f"{_figure(rate * _value('claim_single') / 10)} % of a core",
        "database": f"{_figure(database_gb)} GB",
        "as a Supabase project": _price(database_gb),
    }


def _duration(seconds: float) -> str:
    hours = seconds / 3600
    return f"{_figure(hours)} hours" if hours < 48 else f"{_figure(hours / 24)} days"


def _price(gigabytes: float) -> str:
    if gigabytes <= FREE_GB:
        return "free"
    return f"{_figure(PRO_USD + max(0.0, gigabytes - PRO_GB) * USD_PER_GB)} USD a month"
