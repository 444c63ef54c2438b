"""The examples of docs/python-api.md: each runs as a program of its own, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from servers import RedisServer
from supabase_server.lite import SupabaseProject

PAGE = (Path(__file__).parents[2] / "docs" / "python-api.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_no_example_is_without_its_output() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") == PAGE.count("```text") == 3


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("supabase", marks=pytest.mark.slow)])
def test_the_examples_print_what_the_page_says(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OFFERS_HOME": str(tmp_path / "home")}
    if kind == "supabase":
        project: SupabaseProject = request.getfixturevalue("supabase")
        environment |= {"SUPABASE_URL": project.url, "SUPABASE_SERVICE_ROLE_KEY": project.service_key}
    with RedisServer() as server, server.connect() as redis:
        environment["REDIS_URL"] = server.url
        for program, printed in EXAMPLES:
            done = subprocess.run(
                [sys.executable, "-c", program],
                env=environment,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.stdout, done.stderr) == (printed, "")
        assert redis.llen("rq:queue:enrichment") == 2
