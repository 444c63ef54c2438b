"""A job that was cancelled, deleted or begun anew while it ran: its old attempt decides nothing any more.

"Unique while it waits or runs" holds whatever an operator does with RQ's own means.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
import rq.serializers
import rq_dashboard.web as rq_dashboard  # type: ignore[import-untyped]
from flask import Flask
from queue_fakes import fetch, make_job, rq_queue
from rq.job import Job

from offers_cli.errors import PageChanged
from offers_cli.queue.admin import QueueAdmin, Registry
from offers_cli.queue.enqueue import EnrichmentQueue
from offers_cli.queue.job import ClaimedJob, JobFailure
from offers_cli.queue.keys import QueueKeys
from offers_cli.queue.leases import LEASE_S, JobLeases
from offers_cli.queue.registries import Registries
from offers_cli.queue.retry_policy import FINISHED, GIVEN_BACK, JobOutcome, JobStatus, stopped

KEYS = QueueKeys("enrichment")
FAILED = JobOutcome(status=JobStatus.FAILED, failure=JobFailure(code=PageChanged.code, message="no price", attempts=1))
PUT_OFF = JobOutcome(status=JobStatus.SCHEDULED, delay_s=5, failure=FAILED.failure)


class Scene:
    """Worker `a` runs the one job; then something happens to it, and worker `b` begins it anew."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.now = 2_000_000_000.0
        self.a, self.b, self.c = (self.worker(name) for name in "abc")
        self.enqueue()
        self.first = self.claim(self.a)

    def worker(self, name: str) -> JobLeases:
        return JobLeases(self.connection, queue_name="enrichment", worker=name, clock=lambda: self.now)

    def enqueue(self) -> int:
        queue = EnrichmentQueue(self.connection, clock=lambda: self.now)
        return queue.enqueue([make_job("o")]).enqueued

    def claim(self, worker: JobLeases) -> ClaimedJob:
        [execution] = worker.claim(3, held=0).jobs
        return execution

    def press(self, button: str) -> None:
        """A button of RQ Dashboard, which an operator may run beside ours."""
        app = Flask("test")
        app.config["RQ_DASHBOARD_REDIS_URL"] = ("redis",)
        app.redis_conn = self.connection  # type: ignore[attr-defined]
        app.register_blueprint(rq_dashboard.blueprint, url_prefix="/rq")
        app.before_request_funcs["rq_dashboard"] = []  # it would connect to that address
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rq_dashboard.config, "serializer", rq.serializers.JSONSerializer)
            assert app.test_client().post(f"/rq{button}").get_json()["status"] == "OK"

    @property
    def jobs(self) -> QueueAdmin:
        """The buttons of our own dashboard."""
        return QueueAdmin(self.connection, clock=lambda: self.now)


def cancel(scene: Scene) -> None:
    fetch(scene.connection, "o").cancel()


def delete(scene: Scene) -> None:
    fetch(scene.connection, "o").delete()


def put_off_while_rq(scene: Scene, act: Callable[[Job], object]) -> None:
    """RQ reads where a job stands before it takes it out of there: meanwhile the attempt ends and puts the job off."""
    job = fetch(scene.connection, "o")
    read = job._fetch_status()
    assert scene.a.settle([(scene.first, PUT_OFF)]) == [True]
    job._fetch_status = lambda: read  # type: ignore[method-assign]
    act(job)


def delete_while_it_is_put_off(scene: Scene) -> None:
    put_off_while_rq(scene, Job.delete)


def cancel_while_it_is_put_off(scene: Scene) -> None:
    put_off_while_rq(scene, Job.cancel)


def press_delete(scene: Scene) -> None:
    scene.press("/job/enrich-o/delete")


def press_empty_the_started(scene: Scene) -> None:
    scene.press("/queue/enrichment/started/empty")


def cancel_and_press_empty_the_cancelled(scene: Scene) -> None:
    cancel(scene)
    scene.press("/queue/enrichment/canceled/empty")


def cancel_and_enqueue_by_rq(scene: Scene) -> None:
    cancel(scene)
    enqueue_by_rq(scene)


def enqueue_by_rq(scene: Scene) -> None:
    rq_queue(scene.connection).enqueue_job(fetch(scene.connection, "o"))


def stop(scene: Scene) -> None:
    """`stop-job`, which the worker obeyed; the attempt's own end arrives afterwards."""
    assert scene.a.settle([(scene.first, stopped(attempt=1))]) == [True]


def stop_and_requeue_by_rq(scene: Scene) -> None:
    stop(scene)
    fetch(scene.connection, "o").requeue()


def stop_and_press_requeue(scene: Scene) -> None:
    stop(scene)
    scene.press("/job/enrich-o/requeue")


def stop_and_requeue(scene: Scene) -> None:
    stop(scene)
    assert Registries(scene.connection).requeue_failed().requeued == 1


def cancel_by_ours(scene: Scene) -> None:
    assert scene.jobs.cancel(b"enrich-o")


def delete_by_ours(scene: Scene) -> None:
    assert scene.jobs.delete(b"enrich-o")


def empty_the_started_by_ours(scene: Scene) -> None:
    assert scene.jobs.empty(Registry.STARTED) == 1


def cancel_and_empty_the_cancelled_by_ours(scene: Scene) -> None:
    cancel_by_ours(scene)
    assert scene.jobs.empty(Registry.CANCELED) == 1


def stop_and_requeue_by_ours(scene: Scene) -> None:
    stop(scene)
    assert scene.jobs.requeue(b"enrich-o")


def be_taken_for_dead(scene: Scene) -> None:
    scene.now += LEASE_S + 1
    assert scene.c.recover().requeued == 1


INTERRUPTIONS = [
    cancel,
    delete,
    delete_while_it_is_put_off,
    cancel_while_it_is_put_off,
    press_delete,
    press_empty_the_started,
    cancel_and_press_empty_the_cancelled,
    cancel_and_enqueue_by_rq,
    enqueue_by_rq,
    stop,
    stop_and_requeue_by_rq,
    stop_and_press_requeue,
    stop_and_requeue,
    cancel_by_ours,
    delete_by_ours,
    empty_the_started_by_ours,
    cancel_and_empty_the_cancelled_by_ours,
    stop_and_requeue_by_ours,
    be_taken_for_dead,
]
ENDS = [
    GIVEN_BACK,
    FAILED,
    FINISHED,
    stopped(attempt=1),
    PUT_OFF,
]


@pytest.fixture(params=INTERRUPTIONS, ids=lambda interruption: interruption.__name__)
def scene(connection: redis.Redis, request: pytest.FixtureRequest) -> Scene:
    """The job was interrupted while `a` ran it, and is queued again."""
    scene = Scene(connection)
    interruption: Callable[[Scene], None] = request.param
    interruption(scene)
    scene.enqueue()
    assert rq_queue(connection).job_ids == ["enrich-o"]
    assert not connection.exists(KEYS.scheduled)
    return scene


def outlive_the_old_lease(scene: Scene, second: ClaimedJob) -> None:
    scene.now += LEASE_S - 1
    scene.b.heartbeat([second.composite])
    scene.now += 2
    recovery = scene.c.recover()
    assert (recovery.requeued, recovery.failed) == (0, 0)


def assert_only_b_runs_it(scene: Scene, second: ClaimedJob) -> None:
    assert scene.c.claim(3, held=0).jobs == ()
    assert scene.enqueue() == 0
    assert rq_queue(scene.connection).job_ids == []
    for key in (KEYS.started, KEYS.leases):
        assert scene.connection.zrange(key, 0, -1) == [second.composite.encode()]
    assert scene.b.heartbeat([second.composite]).lost == frozenset()
    assert scene.b.settle([(second, FINISHED)]) == [True]
    assert fetch(scene.connection, "o").is_finished
    assert not scene.connection.keys("rq:execution*")
    assert not scene.connection.exists(KEYS.leases, KEYS.started, KEYS.failed, KEYS.scheduled)
    for worker in "abc":
        assert not scene.connection.exists(f"rq:worker:{worker}:executions")


@pytest.mark.parametrize("outcome", ENDS, ids=lambda outcome: outcome.status)
def test_the_end_of_the_old_attempt_does_not_touch_the_new_one(scene: Scene, outcome: JobOutcome) -> None:
    second = scene.claim(scene.b)
    assert scene.a.settle([(scene.first, outcome)]) == [False]
    assert_only_b_runs_it(scene, second)


@pytest.mark.parametrize("outcome", ENDS, ids=lambda outcome: outcome.status)
def test_the_end_of_the_old_attempt_does_not_touch_the_queued_job(scene: Scene, outcome: JobOutcome) -> None:
    assert scene.a.settle([(scene.first, outcome)]) == [False]
    assert rq_queue(scene.connection).job_ids == ["enrich-o"]
    assert_only_b_runs_it(scene, scene.claim(scene.b))


def test_the_death_of_the_old_worker_does_not_bring_the_job_back(scene: Scene) -> None:
    """Killed: its lease runs out while `b` has renewed its own."""
    second = scene.claim(scene.b)
    outlive_the_old_lease(scene, second)
    assert_only_b_runs_it(scene, second)


def test_the_old_worker_learns_at_its_next_heartbeat_that_it_lost_the_job(scene: Scene) -> None:
    second = scene.claim(scene.b)
    assert scene.a.heartbeat([scene.first.composite]).lost == {scene.first.composite}
    assert_only_b_runs_it(scene, second)


def test_what_the_old_worker_knows_nothing_of_it_does_not_give_back(scene: Scene) -> None:
    second = scene.claim(scene.b)
    scene.a.give_back_unknown(())
    outlive_the_old_lease(scene, second)
    assert_only_b_runs_it(scene, second)


@pytest.mark.parametrize(
    "interruption", [cancel, delete, cancel_by_ours, delete_by_ours], ids=lambda interruption: interruption.__name__
)
def test_a_cancelled_attempt_is_lost_at_the_next_heartbeat(
    connection: redis.Redis, interruption: Callable[[Scene], None]
) -> None:
    scene = Scene(connection)
    interruption(scene)
    assert scene.a.heartbeat([scene.first.composite]).lost == {scene.first.composite}
    assert not connection.exists(KEYS.leases, KEYS.started, "rq:executions:enrich-o", "rq:worker:a:executions")
    assert scene.a.settle([(scene.first, FINISHED)]) == [False]


@pytest.mark.parametrize("interruption", [cancel, delete], ids=lambda interruption: interruption.__name__)
def test_a_job_that_is_queued_anew_is_not_shown_as_running_too(
    connection: redis.Redis, interruption: Callable[[Scene], None]
) -> None:
    """RQ cancels and deletes a running job without ending our execution."""
    scene = Scene(connection)
    interruption(scene)
    assert scene.enqueue() == 1
    counts = Registries(connection).counts()
    assert (counts.queued, counts.started) == (1, 0)
    assert not connection.keys("rq:execution*")


def test_a_forgotten_failure_leaves_no_attempt_behind(connection: redis.Redis) -> None:
    """Cancelled while it ran, then failed by hand: the replay of its page makes the job needless."""
    scene = Scene(connection)
    connection.hset("rq:job:enrich-o", "status", "failed")
    connection.zadd(KEYS.failed, {"enrich-o": 9e9})
    assert Registries(connection).forget_failed(["o"]) == 1
    assert not connection.keys("rq:execution*")
    assert not connection.exists(KEYS.leases, KEYS.started)
    assert scene.a.settle([(scene.first, FINISHED)]) == [False]


def test_a_job_that_rqs_own_worker_runs_by_now_is_not_ours(connection: redis.Redis) -> None:
    """Cancelled, queued again and taken by `rq worker`, which knows no lease: our old attempt ends nothing of it."""
    scene = Scene(connection)
    cancel_and_enqueue_by_rq(scene)
    connection.lpop(KEYS.queue)
    connection.hset("rq:job:enrich-o", mapping={"status": "started", "worker_name": "theirs"})
    connection.zadd("rq:executions:enrich-o", {"e2": scene.now + 100})
    connection.zadd(KEYS.started, {"enrich-o:e2": scene.now + 100})
    assert scene.a.settle([(scene.first, GIVEN_BACK)]) == [False]
    assert rq_queue(connection).job_ids == []
    assert fetch(connection, "o").is_started


def test_an_id_that_rq_left_in_the_queue_is_run_once(connection: redis.Redis) -> None:
    """RQ takes a job out of the queue before it deletes it: given back in between, its id stands there twice."""
    scene = Scene(connection)
    assert scene.a.settle([(scene.first, GIVEN_BACK)]) == [True]
    connection.delete("rq:job:enrich-o")
    scene.enqueue()
    assert rq_queue(connection).job_ids == ["enrich-o", "enrich-o"]
    assert_only_b_runs_it(scene, scene.claim(scene.b))
