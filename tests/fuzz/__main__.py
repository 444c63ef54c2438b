"""Read hostile inputs for as long as you like: no undeclared error, nothing slow, nothing large.

    PYTHONPATH=tests python -m fuzz [--only NAME] [--seconds 600] [--seed TEXT] [--case NUMBER]

Each target is read in a process of its own, whose memory is its own. What goes wrong is printed with its seed and
number; `--only NAME --seed TEXT --case NUMBER` reads that one again, with its whole traceback.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
import traceback
from itertools import count

from fuzz.target import case, opened, target_names
from waiting import must_end

CPU_S = 2.0
RSS_MB = 200
MOST_TOLD = 20
NEVER_ENDS = 3


def main() -> int:
    options = _options()
    names = [options.only] if options.only else target_names()
    if options.case is not None:
        return _read_again(options)
    if options.only:
        return _fuzz(options)
    own = [sys.executable, "-m", "fuzz", "--seconds", str(options.seconds), "--seed", options.seed]
    return max(_alone([*own, "--only", name], options.seconds) for name in names)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--only", choices=target_names(), help="one target")
    parser.add_argument("--seconds", type=float, default=600, help="how long each target is read")
    parser.add_argument("--seed", default=str(time.time_ns()), help="the same seed draws the same inputs")
    parser.add_argument("--case", type=int, help="read this one input of the target and the seed")
    return parser.parse_args()


def _alone(command: list[str], seconds: float) -> int:
    try:
        return subprocess.run(command, timeout=NEVER_ENDS * seconds + 60, check=False).returncode
    except subprocess.TimeoutExpired:
        print(f"DOES NOT END: {' '.join(command)}", flush=True)
        return 1


def _fuzz(options: argparse.Namespace) -> int:
    told, slowest_s = 0, 0.0
    ends = time.monotonic() + options.seconds
    with opened(options.only) as target:
        for number in count():
            drawn = case(target, options.seed, number)
            before, was_small = time.process_time(), _peak_mb() <= RSS_MB
            trouble = ""
            try:
                with must_end():
                    target.read(drawn)
            except target.declared:
                pass
            except BaseException as error:  # noqa: BLE001  # whatever else comes is what is looked for
                trouble = "".join(traceback.format_exception_only(error)).strip()[:300]
            cpu_s = time.process_time() - before
            slowest_s = max(slowest_s, cpu_s)
            trouble = trouble or (f"took {cpu_s:.1f} s" if cpu_s > CPU_S else "")
            trouble = trouble or (f"took the process to {_peak_mb()} MB" if was_small and _peak_mb() > RSS_MB else "")
            if trouble:
                told += 1
                print(f"FOUND {options.only} --seed {options.seed} --case {number}: {trouble}", flush=True)
            if told >= MOST_TOLD or time.monotonic() > ends:
                break
    print(
        f"{options.only:16} {number + 1:9} inputs  {told} in trouble  slowest {slowest_s:.2f} s  {_peak_mb()} MB",
        flush=True,
    )
    return int(told > 0)


def _read_again(options: argparse.Namespace) -> int:
    with opened(options.only) as target:
        again = case(target, options.seed, options.case)
        print(f"{again!r:.2000}")
        target.read(again)
    return 0


def _peak_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.exit(main())
