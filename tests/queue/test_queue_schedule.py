"""Commands on a clock, on a real Redis: queued once, run once, told truly, whoever dies and whatever is planted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from queue_foreign import ask_everything
from rq import Queue
from rq.cron import CronScheduler, get_cron_job_ids
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import Worker as RqWorker
from servers import RedisServer
from waiting import wait_until

from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.schedule import Entry, EntryClock, Run, Schedule, ScheduledCommand
from offers_cli.queue.schedule_thread import COMMANDS_AT_ONCE, ScheduleThread
from offers_cli.queue.scheduled_command import read_document
from offers_cli.queue.signals import StopRequest

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
QUEUE, RUNS = "enrichment", "enrichment-schedule"
KEYS = QueueKeys(QUEUE)


@dataclass
class Command:
    """A command that does what the test says."""

    code: int | None = None
    result: tuple[str, str] = ("", "new 3")
    signals: list[str] = field(default_factory=list)
    ends_when_told: bool = True

    def exit_code(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.signals.append("terminate")
        if self.ends_when_told:
            self.code = 130

    def kill(self) -> None:
        self.signals.append("kill")
        self.code = 137

    def close(self) -> tuple[str, str]:
        return self.result


class Clock:
    """Redis's clock, as the test turns it."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """Workers on one Redis, and what they started."""

    connection: redis.Redis
    clock: Clock = field(default_factory=Clock)
    started: list[tuple[str, Command]] = field(default_factory=list)

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.connection, queue_name=QUEUE, clock=self.clock)

    def worker(self, **chosen: Any) -> ScheduleThread:
        def start(entry: Entry) -> Command:
            self.started.append((entry.name, Command()))
            return self.started[-1][1]

        options: dict[str, Any] = {"start": start, "stop_request": StopRequest(0), "tick_s": 0.01} | chosen
        return ScheduleThread(self.connection, queue_name=QUEUE, clock=self.clock, **options)

    def add(self, name: str = "e", **chosen: Any) -> Entry:
        facts: dict[str, Any] = {"every_s": 600, "command": ("doctor",), "time_zone": "UTC"} | chosen
        entry = Entry(name=name, added_at=NOON, **facts)
        now = datetime.fromtimestamp(self.clock.now, UTC)
        assert self.schedule.add(entry, EntryClock(next_at=now, set_at=now))
        return entry

    def told(self, name: str = "e") -> ScheduledCommand:
        [command] = [one for one in self.schedule.look().commands if one.entry.name == name]
        return command

    def run_of(self, name: str = "e") -> Run:
        run = self.told(name).last_run
        assert run is not None
        return run

    def forget_leader(self) -> None:
        """The leader gave no sign for so long that Redis forgot it."""
        self.connection.delete(KEYS.schedule_leader)


@pytest.fixture
def stage(connection: redis.Redis) -> Stage:
    return Stage(connection)


def test_what_is_due_runs_once_and_its_result_is_shown(stage: Stage) -> None:
    stage.add()
    worker = stage.worker()
    worker.step()
    [(name, command)] = stage.started
    assert (name, stage.told().status, stage.run_of().status) == ("e", "running", "running")
    command.code = 0
    worker.step()
    worker.step()
    assert (stage.told().status, stage.run_of().status, stage.run_of().result) == ("waiting", "ok", "new 3")
    assert stage.told().clock.next_at.timestamp() == stage.clock.now + 600
    assert len(stage.started) == 1


def test_the_next_run_comes_at_its_time(stage: Stage) -> None:
    stage.add()
    worker = stage.worker()
    for _ in range(3):
        worker.step()
        stage.started[-1][1].code = 0
        worker.step()
        stage.clock.now += 601
    assert [name for name, _ in stage.started] == ["e"] * 3


def test_runs_missed_while_no_worker_was_there_are_one_run(stage: Stage) -> None:
    stage.add()
    stage.clock.now += 86_400
    worker = stage.worker()
    worker.step()
    stage.started[0][1].code = 0
    for _ in range(3):
        worker.step()
    assert len(stage.started) == 1


def test_an_entry_that_still_runs_is_skipped_and_that_is_shown(stage: Stage) -> None:
    stage.add()
    worker = stage.worker()
    worker.step()
    stage.clock.now += 15  # its lease goes on
    worker._heartbeat_at = 0.0
    worker.step()
    schedule, told = stage.schedule, stage.told()
    due = replace(told.clock, next_at=datetime.fromtimestamp(stage.clock.now, UTC))
    assert schedule.turn_clock("e", told.clock, due)
    worker.step()
    assert len(stage.started) == 1
    assert stage.told().skipped_at is not None
    stage.started[0][1].code = 0
    worker.step()
    stage.clock.now += 601
    worker._heartbeat_at = 0.0
    worker.step()
    assert len(stage.started) == 2
    assert stage.told().skipped_at is None


def test_two_workers_queue_and_run_it_once(stage: Stage) -> None:
    stage.add()
    one, other = stage.worker(), stage.worker()
    for _ in range(3):
        one.step()
        other.step()
    assert len(stage.started) == 1


def test_two_that_both_take_themselves_for_the_leader_queue_it_once(stage: Stage) -> None:
    """One was asleep, and comes back with what it had read before."""
    entry = stage.add()
    seen = stage.told().clock
    later = EntryClock(next_at=NOON.replace(hour=13), set_at=NOON, latest_at=NOON)
    assert [stage.schedule.enqueue(entry, seen, later) for _ in range(2)] == ["queued", "changed"]


def test_a_run_whose_worker_was_killed_is_told_so_and_the_next_one_happens(stage: Stage) -> None:
    stage.add()
    stage.worker().step()
    stage.clock.now += 30
    assert stage.run_of().status == "killed"
    stage.forget_leader()
    other = stage.worker()
    other.step()
    assert len(stage.started) == 1, "what was killed is not begun again"
    assert stage.connection.zrange(f"rq:failed:{RUNS}", 0, -1) == [b"schedule-e"]
    stage.clock.now += 600
    other._heartbeat_at = 0.0
    other.step()
    assert len(stage.started) == 2
    assert stage.run_of().status == "running"


def test_a_run_that_was_taken_from_its_worker_is_ended_there(stage: Stage) -> None:
    """A worker that was frozen for minutes must not go on beside the one that came after it."""
    stage.add()
    frozen = stage.worker()
    frozen.step()
    stage.clock.now += 601
    stage.forget_leader()
    other = stage.worker()
    other.step()
    assert len(stage.started) == 2
    frozen._heartbeat_at = 0.0
    frozen.step()
    assert stage.started[0][1].signals == ["kill"]
    frozen.step()
    assert stage.run_of().status == "running", "the end of the first says nothing of the second"
    assert stage.started[1][1].signals == []


@pytest.mark.parametrize(
    ("code", "status", "registry"),
    [(0, "ok", "finished"), (1, "partial", "finished"), (4, "failed", "failed"), (137, "failed", "failed")],
)
def test_how_it_ended_is_told_and_stands_in_rqs_registries(stage: Stage, code: int, status: str, registry: str) -> None:
    stage.add()
    worker = stage.worker()
    worker.step()
    stage.started[0][1].code = code
    worker.step()
    assert (stage.run_of().status, stage.run_of().exit_code) == (status, code)
    assert stage.connection.zrange(f"rq:{registry}:{RUNS}", 0, -1) == [b"schedule-e"]
    job = Job.fetch("schedule-e", connection=stage.connection, serializer=JSONSerializer)
    assert (job.func_name, tuple(job.args)) == ("offers_cli.jobs.run_scheduled_job", ("e",))
    assert job.get_status() == registry


def test_a_stop_gives_time_then_ends_it_and_queues_it_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offers_cli.queue.schedule_thread.GRACE_S", 0.0)
    stage.add()
    worker = stage.worker()
    worker.start()
    wait_until(lambda: stage.started, "the command was started")
    worker.close()
    assert stage.started[0][1].signals == ["terminate"]
    assert (stage.told().status, stage.run_of().status) == ("queued", "stopped")
    assert stage.connection.smembers(KEYS.workers.replace(QUEUE, RUNS)) == set()
    assert stage.connection.get(KEYS.schedule_leader) is None
    stage.worker().step()
    assert len(stage.started) == 2, "it runs when a worker is there"


def test_a_command_that_does_not_end_when_told_is_killed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offers_cli.queue.schedule_thread.GRACE_S", 0.0)
    monkeypatch.setattr("offers_cli.queue.schedule_thread.END_S", 0.0)
    command = Command(ends_when_told=False)
    stage.add()
    started = threading.Event()

    def start(_entry: Entry) -> Command:
        started.set()
        return command

    worker = stage.worker(start=start)
    worker.start()
    assert started.wait(60)
    worker.close()
    assert command.signals == ["terminate", "kill"]


def test_a_command_that_ends_in_its_time_after_a_stop_is_done(stage: Stage) -> None:
    stage.add()
    worker = stage.worker()
    worker.start()
    wait_until(lambda: stage.started, "the command was started")
    stage.started[0][1].code = 0
    worker.close()
    assert (stage.run_of().status, stage.told().status) == ("ok", "waiting")


def test_a_run_that_takes_too_long_is_ended_and_the_next_one_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offers_cli.queue.schedule_thread.RUN_LIMIT_S", 0)
    stage.add()
    worker = stage.worker()
    for _ in range(3):
        worker.step()
    assert stage.started[0][1].signals == ["terminate"]
    assert (stage.run_of().status, stage.told().status) == ("failed", "waiting")


def test_a_long_run_keeps_no_other_entry_waiting_but_not_all_run_at_once(stage: Stage) -> None:
    for number in range(COMMANDS_AT_ONCE + 1):
        stage.add(f"e{number}")
    worker = stage.worker()
    worker.step()
    worker.step()
    assert len(stage.started) == COMMANDS_AT_ONCE
    stage.started[0][1].code = 0
    worker.step()
    assert len(stage.started) == COMMANDS_AT_ONCE + 1


def test_an_entry_that_was_removed_runs_no_more(stage: Stage) -> None:
    entry = stage.add()
    told = stage.told()
    assert stage.schedule.enqueue(entry, told.clock, replace(told.clock, text=b"")) == "queued"
    assert stage.schedule.remove("e")
    stage.add("other", every_s=3600)
    stage.worker().step()
    assert [name for name, _ in stage.started] == ["other"]
    assert stage.schedule.remove("e") is False
    assert not stage.connection.hexists(KEYS.schedule, "e:clock")


def test_a_removal_while_it_runs_leaves_nothing_behind(stage: Stage) -> None:
    stage.add()
    worker = stage.worker()
    worker.step()
    stage.schedule.remove("e")
    stage.started[0][1].code = 0
    worker.step()
    assert stage.connection.hkeys(KEYS.schedule) == []


def test_what_cannot_be_started_is_told(stage: Stage) -> None:
    def start(_entry: Entry) -> Command:
        raise OSError(12, "Cannot allocate memory")

    stage.add()
    stage.worker(start=start).step()
    assert stage.run_of().status == "failed"
    assert "Cannot allocate memory" in stage.run_of().result


def test_a_clock_that_was_set_back_runs_nothing_twice_and_stalls_nothing(stage: Stage) -> None:
    stage.add()
    worker = stage.worker()
    worker.step()
    stage.started[0][1].code = 0
    worker.step()
    stage.clock.now -= 40 * 86_400
    for _ in range(3):
        worker.step()
    assert len(stage.started) == 1
    assert stage.told().clock.next_at.timestamp() <= stage.clock.now + 600
    stage.clock.now += 601
    worker.step()
    assert len(stage.started) == 2


def test_no_entries_no_registration_no_writes(stage: Stage) -> None:
    """A worker without a schedule costs nothing and is seen nowhere."""
    stage.worker().step()
    assert stage.connection.keys() == []


def test_rqs_own_tools_see_scheduler_jobs_and_history(stage: Stage) -> None:
    stage.add("e", every_s=None, cron="*/5 * * * *")
    worker = stage.worker()
    worker.step()
    [scheduler] = CronScheduler.all(stage.connection)
    [job] = scheduler.get_jobs()
    assert (job.name, job.cron, job.queue_name) == ("e", "*/5 * * * *", RUNS)
    assert get_cron_job_ids("e", stage.connection) == ["schedule-e"]
    assert stage.connection.zrange("rq:cron_jobs", 0, -1) == [b"e"]
    assert scheduler.last_heartbeat is not None
    [registered] = RqWorker.all(connection=stage.connection)
    assert registered.queue_names() == [RUNS]
    assert Queue(RUNS, connection=stage.connection, serializer=JSONSerializer).started_job_registry.get_job_ids() == [
        "schedule-e"
    ]
    stage.started[0][1].code = 0
    worker.step()
    worker._leave()
    assert CronScheduler.all(stage.connection) == []
    assert RqWorker.all(connection=stage.connection) == []


def test_a_foreign_job_in_its_queue_is_refused(stage: Stage) -> None:
    stage.add("e", every_s=None, cron="0 7 1 1 *")
    told = stage.told()
    stage.schedule.turn_clock("e", told.clock, replace(told.clock, next_at=NOON.replace(year=2027)))
    queue = Queue(RUNS, connection=stage.connection, serializer=JSONSerializer)
    for function, args in (("os.system", ("id",)), ("offers_cli.jobs.run_scheduled_job", ("e", "more"))):
        queue.enqueue(function, args=args, job_id=f"schedule-{len(args)}")
    queue.enqueue("offers_cli.jobs.run_scheduled_job", args=("e",), job_id="e")
    worker = stage.worker()
    worker.step()
    assert stage.started == []
    assert stage.connection.zcard(f"rq:failed:{RUNS}") == 3


@pytest.mark.parametrize(
    "planted",
    [
        b"\xff",
        b"[]",
        b'{"command": []}',
        b'{"command": ["x"], "every_s": 1, "cron": null, "time_zone": "UTC", "jitter_s": 0, "added_at": "2026-01-01"}',
        b"[" * 70_000,
    ],
)
def test_an_entry_that_cannot_be_read_is_named_and_the_others_run(stage: Stage, planted: bytes) -> None:
    stage.connection.hset(KEYS.schedule, "bad", planted)
    stage.add()
    worker = stage.worker()
    worker.step()
    assert [name for name, _ in stage.started] == ["e"]
    assert stage.schedule.look().unreadable == ("bad",)
    assert stage.schedule.remove("bad")


@pytest.mark.parametrize("field", ["clock", "run", "skipped"])
@pytest.mark.parametrize("planted", [b"\xff\xfe", b"nan", b"{}", b'{"next": 1e400, "set": NaN}', b"[" * 70_000])
def test_a_planted_clock_or_run_stops_nothing(stage: Stage, field: str, planted: bytes) -> None:
    stage.add()
    stage.connection.hset(KEYS.schedule, f"e:{field}", planted)
    worker = stage.worker()
    worker.step()
    stage.started[0][1].code = 0
    worker.step()
    assert stage.run_of().status == "ok"


def test_a_zone_or_line_that_cannot_be_read_here_stops_no_other_entry(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.add("a", every_s=None, cron="0 7 * * *", time_zone="Nowhere/Town")
    stage.add("b", every_s=None, cron="never")
    stage.add("e")
    worker = stage.worker()
    worker.step()
    worker.step()
    assert [name for name, _ in stage.started][-1] == "e"
    assert len([record for record in caplog.records if "cannot run here" in record.message]) == 2


@pytest.mark.parametrize("kind", ["string", "list"])
@pytest.mark.parametrize(
    "key",
    [
        KEYS.schedule,
        KEYS.schedule_leader,
        "rq:cron_schedulers",
        "rq:cron_jobs",
        "rq:cron_job:e:jobs",
        f"rq:queue:{RUNS}",
    ],
)
def test_a_key_of_a_wrong_type_stops_no_run_and_no_question(stage: Stage, key: str, kind: str) -> None:
    """The hash of the schedule itself makes way: what is added after that runs."""
    plant: Callable[..., Any] = stage.connection.set if kind == "string" else stage.connection.rpush
    plant(key, "planted")
    stage.schedule.look()
    stage.add()
    stage.worker().step()
    assert [name for name, _ in stage.started] == ["e"]


def test_redis_away_and_back_loses_no_run_and_no_result(redis_server: RedisServer) -> None:
    with redis_server.connect() as connection:
        stage = Stage(connection)
        stage.add()
        worker = stage.worker(tick_s=0.05)
        worker.start()
        wait_until(lambda: stage.started, "the command was started")
        redis_server.stop()
        stage.started[0][1].code = 0
        redis_server.start()
        wait_until(lambda: stage.run_of().status == "ok", "its result was written")
        worker.close()
        assert len(stage.started) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"data": {"pages": 3, "new": 0, "seen": 120}, "errors": []}', ("", "pages 3, seen 120")),
        (
            b'{"data": {"seen": 2}, "errors": [{"code": "bug", "message": "m"}, {"code": "x", "message": "n"}]}',
            ("bug", "bug: m (and 1 more); seen 2"),
        ),
        (b"", ("bug", "it ended without a result")),
        (b'{"data": null, "errors": []}', ("bug", "it ended without a result")),
        (b"[" * 100_000, ("bug", "it ended without a result")),
    ],
)
def test_a_result_is_one_line_whatever_the_command_wrote(text: bytes, expected: tuple[str, str]) -> None:
    assert read_document(text) == expected


def test_who_keeps_the_clock_does_not_write_so_each_second(stage: Stage) -> None:
    """It would fill the append-only file of a Redis in which nothing else happens."""
    stage.add()
    worker = stage.worker()
    worker.step()
    for left_ms, is_renewed in ((15_900, False), (14_900, True)):
        stage.connection.pexpire(KEYS.schedule_leader, left_ms)
        worker.step()
        assert (int(stage.connection.pttl(KEYS.schedule_leader)) > left_ms) is is_renewed


def test_another_worker_keeps_the_clock_as_soon_as_the_first_is_found_dead(stage: Stage) -> None:
    stage.add()
    first, other = stage.worker(), stage.worker()
    first.step()
    other.step()
    assert not stage.schedule.lead(other.worker, seconds=20)
    first._registration.deregister()  # as whoever finds it dead does for it
    assert stage.schedule.lead(other.worker, seconds=20)


def test_a_run_of_rqs_own_worker_is_told_by_that_workers_registration(stage: Stage) -> None:
    """It has no lease of ours."""
    entry = stage.add()
    assert stage.schedule.begin(entry, Run(started_at=NOON))
    stage.connection.hset("rq:job:schedule-e", "status", "started")
    assert (stage.told().status, stage.run_of().status) == ("waiting", "killed")
    stage.connection.zadd("rq:executions:schedule-e", {"x": 9e9})
    assert stage.run_of().status == "killed", "nobody says who runs it"
    stage.connection.hset("rq:execution:schedule-e:x", "worker_name", "w")
    assert stage.run_of().status == "killed"
    stage.connection.hset("rq:worker:w", "state", "busy")
    assert (stage.told().status, stage.run_of().status) == ("running", "running")


def test_what_is_written_of_a_run_is_refused_once_its_entry_or_a_later_run_took_its_place(stage: Stage) -> None:
    entry, first = stage.add(), Run(started_at=NOON)
    assert stage.schedule.begin(entry, first)
    later = replace(first, started_at=NOON.replace(hour=13))
    assert stage.schedule.begin(entry, later)
    assert not stage.schedule.end(entry, first, replace(first, ended_at=NOON, status="ok"))
    assert stage.schedule.end(entry, later, replace(later, ended_at=NOON, status="ok"))
    assert not stage.schedule.begin(replace(entry, every_s=900), first)
    stage.schedule.remove("e")
    assert not stage.schedule.begin(entry, first)


def test_a_run_leaves_the_registries_of_the_one_before(stage: Stage) -> None:
    entry, registries = stage.add(), ("scheduled", "finished", "failed", "canceled")
    for name in registries:
        stage.connection.zadd(f"rq:{name}:{RUNS}", {"schedule-e": 9e9})
    told = stage.told()
    assert stage.schedule.enqueue(entry, told.clock, replace(told.clock, text=b"")) == "queued"
    assert [stage.connection.zcard(f"rq:{name}:{RUNS}") for name in registries] == [0] * 4
    assert stage.connection.smembers("rq:queues") == {f"rq:queue:{RUNS}".encode()}
    assert int(stage.connection.ttl("rq:cron_job:e:jobs")) > 86_400


def test_a_field_that_is_no_name_is_no_entry(stage: Stage) -> None:
    stage.connection.hset(KEYS.schedule, mapping={":x": "planted", "gone:clock": "{}"})
    assert stage.schedule.look().unreadable == ()


def test_stats_show_what_is_on_the_clock(stage: Stage) -> None:
    stage.add()
    stage.worker().step()
    [entry] = ask_everything(stage.connection).data()["schedule"]
    assert (entry["name"], entry["command"]) == ("e", ["doctor"])


def test_an_entry_and_a_run_are_read_as_they_were_written() -> None:
    entry = Entry(name="e", command=("scrape", "search:café"), cron="0 7 * * *", time_zone="UTC", added_at=NOON)
    assert Entry.decode("e", entry.encode().encode()) == entry
    assert entry.encode() == (Entry.decode("e", entry.encode().encode()) or entry).encode()
    run = Run(started_at=NOON, ended_at=NOON, exit_code=1, result="é", status="partial")
    assert Run.decode(run.encode().encode()) == run
    assert json.loads(run.encode())["exit_code"] == 1
