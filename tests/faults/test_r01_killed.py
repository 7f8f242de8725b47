"""R01: a server that is killed while people talk; what was acked is there, once and in order."""

from pathlib import Path

import pytest
import trio

from tests.faults.killing import kill_again_and_again

KILLS = 40


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_r01_killed_forty_times(folder: Path) -> None:
    with trio.fail_after(590):
        result = await kill_again_and_again(folder, KILLS, seed=1)
    print(result)
    assert result.kills == KILLS
    assert result.acked > KILLS
    assert not result.problems
    assert result.integrity == "ok"
    assert result.typical_first_ack <= 2.0
