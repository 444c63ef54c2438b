"""The schedule: somebody runs it, in time, and its commands do what they should."""

from __future__ import annotations

from datetime import timedelta

from offers_cli.queue.schedule import Schedule
from offers_cli.services.doctor.examine import Finding

LATE = timedelta(minutes=15)
"""A run that has been due for so long was missed: workers look at the clock every few seconds."""
BAD_ENDS = {"failed": "failed", "killed": "was killed"}


def look_at_schedule(schedule: Schedule) -> Finding:
    """Whether the commands on a clock are run, and how they ended last; for when Redis answers."""
    state = schedule.look()
    if state.unreadable:
        evidence = f"what stands as the entry {state.unreadable[0]!r} cannot be read"
        return Finding("schedule", "warning", evidence, "offers schedule remove NAME, then add it again")
    if not state.commands:
        return Finding("schedule", "ok", "nothing is on the clock")
    entries = "1 entry" if len(state.commands) == 1 else f"{len(state.commands)} entries"
    if not state.has_worker:
        return Finding("schedule", "warning", f"{entries}, and no worker that runs them", "offers worker")
    late = [each for each in state.commands if each.status != "running" and each.clock.next_at < state.at - LATE]
    wrong = [f"{each.entry.name} is overdue" for each in late]
    last = [(each.entry.name, each.last_run.status) for each in state.commands if each.last_run]
    wrong += [f"{name} {BAD_ENDS[status]} the last time" for name, status in last if status in BAD_ENDS]
    if wrong:
        return Finding("schedule", "warning", f"{entries}; {', '.join(wrong)}", "offers schedule list")
    return Finding("schedule", "ok", f"{entries}, all done as they were due")
