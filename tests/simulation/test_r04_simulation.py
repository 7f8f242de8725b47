"""R04: a whole server in one run of virtual time, with everything breaking; what must hold, holds.

The seed decides what breaks, and when; a failing seed is named. Not everything follows from it: the
order of sets of objects is the interpreter's, so the same seed may run a little differently.
"""

from pathlib import Path

import pytest

from tests.simulation.world import World, simulate

SEEDS = 40
BLOCK = 10


def explained(world: World) -> str:
    return f"{world.history.acked} acked, faults: {', '.join(world.faults)}"


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_r04_what_must_hold_holds_for_every_seed(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + BLOCK):
        world = simulate(seed, tmp_path / str(seed))
        problems = world.history.check(fifo=False)
        assert not problems, f"seed {seed}: {explained(world)}"
        assert not world.history.unresolved
        assert world.history.acked > 20, f"seed {seed}: {explained(world)}"
