"""`rq worker` as RQ's performance notes advise: what the jobs need is imported before the fork."""

import os
import sys

import redis
import work  # noqa: F401 (imported for the forks)
from rq import Worker

Worker(sys.argv[1:], connection=redis.Redis.from_url(os.environ["BENCH_REDIS"])).work(logging_level="WARNING")
