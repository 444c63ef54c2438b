"""Offers enriched per second, CPU per offer and memory: `offers worker` against other queues with the same job.

    pip install -e . --group bench                        # pip 25.1 or newer
    python bench/worker                                   # all set-ups, about eight minutes on two cores
    python bench/worker --only offers --only taskiq --jobs 3000 --rounds 5
    python bench/worker --soak 50000                      # memory over that many jobs, `offers worker` alone

The shop, Redis and all workers share the machine. Set-ups take turns, round by round. Of each set-up's runs the table
shows the calmest, the one during which other programs used least, and the range of all.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import floor
import soak
from measure import Measured, measure
from peer import Peer
from ratios import record, record_table
from stage import Stage, open_stage

SETUPS = ("with_rq", "with_taskiq", "with_saq", "with_dramatiq", "with_celery", "with_offers")
YARDSTICK, OURS = "rq worker", "offers worker"
LIMIT_S = 90.0
LEAST_JOBS = 30
FLOOR_JOBS = 300

Results = dict[tuple[str, float], list[Measured]]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1500, help="for each run; slow set-ups get a share of them")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--concurrency", type=int, default=16, help="jobs that one process runs at once")
    parser.add_argument("--latency", type=float, action="append", help="of the shop, in seconds (default: 0 and 0.1)")
    parser.add_argument("--only", action="append", help="set-ups whose name contains this, and the yardstick")
    parser.add_argument("--soak", type=int, metavar="JOBS", help="instead: memory over so many jobs")
    return parser.parse_args()


def load_peers(only: Sequence[str] | None) -> list[Peer]:
    peers = [peer for name in SETUPS for peer in importlib.import_module(name).PEERS]
    return [peer for peer in peers if not only or any(part in peer.name for part in only)]


def main() -> int:
    chosen = options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # everything that was started is stopped
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stage(Path(folder), offers=chosen.soak or chosen.jobs, concurrency=chosen.concurrency) as stage,
    ):
        if chosen.soak:
            return soak.run(stage, jobs=chosen.soak, concurrency=chosen.concurrency)
        floors: list[float] = []
        results: Results = {}
        latencies = chosen.latency or [0.0, 0.1]
        peers = load_peers(chosen.only)
        for round_number in range(chosen.rounds):
            stage.set_latency(0.0)
            floors.append(floor.cpu_ms(stage.reset(min(FLOOR_JOBS, chosen.jobs))))
            for latency_s in latencies:
                stage.set_latency(latency_s)
                for peer in peers:
                    measured = run(stage, peer, jobs=chosen.jobs, concurrency=chosen.concurrency)
                    results.setdefault((peer.name, latency_s), []).append(measured)
                    tell(round_number, latency_s, peer, measured)
        floor_ms = statistics.median(floors)
        table = details(results, peers, latencies, concurrency=chosen.concurrency, floor_ms=floor_ms)
        print(table)
        if not chosen.only and not chosen.latency:
            keep(results, peers, floor_ms=floor_ms)
            record_table("The worker beside other queues", table)
    return 0


def run(stage: Stage, peer: Peer, *, jobs: int, concurrency: int) -> Measured:
    todo = stage.reset(max(min(LEAST_JOBS, jobs), round(jobs * peer.share)))
    peer.enqueue(todo)
    measured = measure(peer.commands(concurrency), jobs=len(todo), log=stage.log, limit_s=LIMIT_S)
    if measured.done < measured.asked:
        lines = stage.log.read_text(errors="replace").splitlines()[-15:]
        print(f"{peer.name}: {measured.done} of {measured.asked} done", *lines, sep="\n  ", file=sys.stderr)
    return measured


def tell(round_number: int, latency_s: float, peer: Peer, measured: Measured) -> None:
    figures = f"{measured.jobs_per_s:7.1f} jobs/s {measured.cpu_ms:7.2f} ms {measured.pss_mb:5.0f} MB"
    figures += f"  others {measured.others_pct:3.0f} %"
    place = f"round {round_number + 1} {latency_s * 1000:4.0f} ms"
    print(f"{place}  {peer.name:36}{figures}", file=sys.stderr, flush=True)


def details(
    results: Results, peers: Sequence[Peer], latencies: Sequence[float], *, concurrency: int, floor_ms: float
) -> str:
    columns = f"| set-up | processes × jobs at once | jobs/s (range) | × {YARDSTICK} | CPU ms/job | PSS MB | others % |"
    lines = []
    for latency_s in latencies:
        lines += [f"Pages after {latency_s * 1000:.0f} ms:\n", columns, "|---|---:|---:|---:|---:|---:|---:|"]
        base = results.get((YARDSTICK, latency_s))
        for peer in peers:
            figures = row(results[peer.name, latency_s], calmest(base) if base else None)
            lines.append(f"| {peer.name} | {peer.processes} × {peer.places or concurrency} | {' | '.join(figures)} |")
        lines.append("")
    lines.append(f"Fetching and reading alone, in a plain loop: {floor_ms:.2f} ms of CPU for each page.")
    return "\n".join(lines)


def keep(results: Results, peers: Sequence[Peer], *, floor_ms: float) -> None:
    """The rows of the one table; a peer that lost jobs is none."""

    def figures(name: str, latency_s: float, figure: str) -> float:
        return float(statistics.median(getattr(one, figure) for one in results[name, latency_s]))

    def of_others(latency_s: float, figure: str, *, processes: int | None = None) -> list[float]:
        return [
            figures(peer.name, latency_s, figure)
            for peer in peers
            if not peer.name.startswith("offers")
            and processes in {None, peer.processes}
            and all(one.done == one.asked for one in results[peer.name, latency_s])
        ]

    cpu_ms, rate = figures(OURS, 0.0, "cpu_ms"), figures(OURS, 0.0, "jobs_per_s")
    record("job_floor", cpu_ms / floor_ms)
    record("job_cpu", cpu_ms)
    record("job_peer_cpu", cpu_ms / min(of_others(0.0, "cpu_ms")))
    record("job_peer_rate", rate / max(of_others(0.0, "jobs_per_s")))
    record("job_peer_rate_slow", figures(OURS, 0.1, "jobs_per_s") / max(of_others(0.1, "jobs_per_s")))
    record("job_peer_memory", figures(OURS, 0.0, "pss_mb") / min(of_others(0.0, "pss_mb", processes=2)))
    record("job_rq_rate", rate / figures(YARDSTICK, 0.0, "jobs_per_s"))


def calmest(runs: Sequence[Measured]) -> Measured:
    return min(runs, key=lambda each: each.others_pct)


def row(runs: Sequence[Measured], base: Measured | None) -> list[str]:
    calm, rates = calmest(runs), [each.jobs_per_s for each in runs]
    lost = sum(each.asked - each.done for each in runs)
    return [
        f"{calm.jobs_per_s:.1f} ({min(rates):.1f}–{max(rates):.1f}){f' **{lost} not done**' if lost else ''}",
        f"{calm.jobs_per_s / base.jobs_per_s:.1f}" if base and base.jobs_per_s else "–",
        f"{statistics.median(each.cpu_ms for each in runs):.2f}",
        f"{max(each.pss_mb for each in runs):.0f}",
        f"{calm.others_pct:.0f}",
    ]


if __name__ == "__main__":
    sys.exit(main())
