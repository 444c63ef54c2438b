"""Redis behind Sentinels: real ones, with passwords, a failover in the middle of the work, and TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis
import trustme
from free_ports import free_port
from queue_fakes import enqueue
from waiting import NEVER_S, wait_until

from offers_cli.config import load_config, mask_url
from offers_cli.errors import OffersError, QueueRefused, QueueUnavailable
from offers_cli.redis.connection import connect
from offers_cli.redis.errors import translate
from offers_cli.redis.programs import USUAL_FOLDERS, find_programs

PROGRAM = Path(__file__).parents[1] / "queue_processes.py"
WORKED = "test:saved"
pytestmark = pytest.mark.slow


@contextmanager
def process(program: str, *arguments: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen([program, *arguments], cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait(NEVER_S)


class Watched:
    """A primary, its replica, and three Sentinels that watch them."""

    def __init__(self, stack: ExitStack) -> None:
        program = next(find_programs()).path
        self.folder = Path(tempfile.mkdtemp(prefix="sentinel-"))
        stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        first, second, *self.sentinels = (free_port() for _ in range(5))
        self.primary, self.port = None, first
        for port, more in ((first, ()), (second, ("--replicaof", f"127.0.0.1 {first}"))):
            (folder := self.folder / str(port)).mkdir()
            auth = ("--requirepass", "pw", "--masterauth", "pw", "--repl-diskless-sync-delay", "0")
            one = stack.enter_context(process(program, "--port", str(port), "--save", "", *auth, *more, folder=folder))
            self.primary = self.primary or one
        for port in self.sentinels:
            (folder := self.folder / str(port)).mkdir()
            (folder / "s.conf").write_text(
                f"port {port}\nrequirepass spw\nsentinel sentinel-pass spw\n"
                f"sentinel monitor shop 127.0.0.1 {first} 2\nsentinel auth-pass shop pw\n"
                "sentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 3000\n"
            )
            stack.enter_context(process(program, "s.conf", "--sentinel", folder=folder))
        self.places = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        self.url = f"redis+sentinel://:pw@{self.places}/shop/2?sentinel_password=spw"
        wait_until(lambda: self.knows(port=first, replicas=1, others=2), "the Sentinels found each other")

    def knows(self, *, port: int, replicas: int, others: int) -> bool:
        for sentinel in self.sentinels:
            with redis.Redis(port=sentinel, password="spw") as client:
                try:
                    found = client.sentinel_masters().get("shop", {})
                except redis.ConnectionError:
                    return False
            if (found.get("port"), found.get("num-slaves"), found.get("num-other-sentinels")) != (
                port,
                replicas,
                others,
            ):
                return False
        return True


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    with ExitStack() as stack:
        yield Watched(stack)


def answer(url: str) -> OffersError | None:
    with connect(url) as client:
        try:
            with translate():
                client.ping()
        except OffersError as error:
            return error
    return None


def test_a_client_that_is_closed_leaves_no_connection_to_a_sentinel(watched: Watched) -> None:
    with connect(watched.url) as client:
        client.ping()
        pools = [sentinel.connection_pool for sentinel in client.connection_pool.sentinel_manager.sentinels]
        assert any(one.is_connected for pool in pools for one in pool._available_connections)
    assert not any(one.is_connected for pool in pools for one in pool._available_connections)


def test_the_primary_is_found_by_any_of_several_sentinels(watched: Watched) -> None:
    with connect(watched.url) as client:
        client.set("k", "v")
        assert client.client_info()["db"] == 2
    nobody = free_port()
    assert answer(watched.url.replace(":pw@", f":pw@127.0.0.1:{nobody},")) is None
    with redis.Redis(port=watched.port, password="pw", db=2) as direct:
        assert direct.get("k") == b"v"


def test_each_password_that_is_wrong_is_told_apart(watched: Watched) -> None:
    of_sentinels = answer(watched.url.replace("spw", "wrong"))
    assert isinstance(of_sentinels, QueueRefused), of_sentinels
    assert "sentinel_password" in of_sentinels.hint
    of_redis = answer(watched.url.replace(":pw@", ":wrong@"))
    assert isinstance(of_redis, QueueRefused), of_redis
    assert of_redis.message.startswith("Redis refuses the user name or password")


def test_a_name_that_nobody_watches_is_told(watched: Watched) -> None:
    error = answer(watched.url.replace("/shop", "/shoes"))
    assert isinstance(error, QueueUnavailable)
    assert "no Sentinel knows a primary named 'shoes'" in error.message


def test_the_address_is_a_setting_that_shows_no_password(watched: Watched, tmp_path: Path) -> None:
    config = load_config({"REDIS_URL": watched.url, "OFFERS_HOME": str(tmp_path)}, tmp_path)
    assert config.enrichment.redis_url is not None
    shown = mask_url(config.enrichment.redis_url.reveal())
    assert shown == f"redis+sentinel://********@{watched.places}/shop/2"


@pytest.mark.slow
def test_a_failover_in_the_middle_of_the_work_loses_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        watched = Watched(stack)
        with connect(watched.url) as client:
            enqueue(client, (f"o{n}" for n in range(300)))
            client.wait(1, 5000)
        environment = os.environ | {"TEST_REDIS_URL": watched.url, "TEST_DELAY_S": "0.05"}
        log = (tmp_path / "log").open("wb")
        worker = subprocess.Popen([sys.executable, str(PROGRAM), "1"], env=environment, stderr=log, stdout=log)
        stack.callback(log.close)
        stack.callback(worker.wait)
        stack.callback(worker.kill)
        with redis.Redis(port=watched.port, password="pw", db=2) as direct:
            wait_until(lambda: direct.hlen(WORKED) > 20, "the worker works")
        assert watched.primary
        watched.primary.kill()

        def all_done() -> bool:
            with connect(watched.url) as client:
                try:
                    return bool(client.hlen(WORKED) == 300)
                except redis.RedisError:
                    return False

        wait_until(all_done, "every offer is saved after the failover")
        with connect(watched.url) as client:
            assert client.connection_pool.master_address != ("127.0.0.1", watched.port)


def test_tls_to_the_sentinels_and_to_their_redis(tmp_path: Path) -> None:
    # The first of the PATH may be a development dependency, built without TLS, before the machine's own.
    usual = (shutil.which("redis-server", path=folder) for folder in USUAL_FOLDERS)
    programs = (*(found.path for found in find_programs()), *filter(None, usual))
    program = next(filter(_speaks_tls, programs), None)
    if program is None:
        pytest.skip("no server program on this machine speaks TLS")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "one.pem"))
    port, sentinel = free_port(), free_port()
    files = ("tls-cert-file one.pem", "tls-key-file one.pem", "tls-ca-cert-file ca.pem")
    tls = (*files, "tls-auth-clients no", "tls-replication yes", "port 0")
    (tmp_path / "r.conf").write_text("\n".join([*tls, f"tls-port {port}", 'save ""']))
    watch = (f"tls-port {sentinel}", f"sentinel monitor shop 127.0.0.1 {port} 1")
    (tmp_path / "s.conf").write_text("\n".join([*tls, *watch]))
    with (
        process(program, "r.conf", folder=tmp_path),
        process(program, "s.conf", "--sentinel", folder=tmp_path),
    ):
        url = f"rediss+sentinel://127.0.0.1:{sentinel}/shop?ssl_ca_certs={tmp_path}/ca.pem"
        wait_until(lambda: answer(url) is None, "the Sentinel answers and knows its Redis")
        assert answer(f"rediss+sentinel://127.0.0.1:{sentinel}/shop") is not None


def _speaks_tls(program: str) -> bool:
    done = subprocess.run(
        [program, "--port", "0", "--tls-port", "1"], capture_output=True, text=True, check=False, timeout=10
    )
    return "No tls-cert-file" in done.stdout
