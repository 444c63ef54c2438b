"""The first inputs of each fuzzer raise nothing undeclared; `nox -s fuzz` reads on for as long as it is given."""

from __future__ import annotations

from contextlib import suppress

import pytest
from fuzz.target import case, opened, target_names
from waiting import must_end


@pytest.mark.slow
@pytest.mark.parametrize("name", target_names())
def test_the_first_hostile_inputs_are_read_or_refused(name: str) -> None:
    with opened(name) as target:
        for number in range(60):
            drawn = case(target, "steady", number)
            with must_end(), suppress(*target.declared):
                target.read(drawn)
