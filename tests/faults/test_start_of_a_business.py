"""Who wakes a business and goes away leaves it whole: no supervisor of it runs in no business."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from server.tokens import hash_key
from tests.faults.premises import PEOPLE, freely, opened


@pytest.mark.parametrize("started", range(5))
async def test_given_up_while_it_starts_all_of_it_runs_or_nothing(
    started: int, virtual_time: MockClock, folder: Path
) -> None:
    async with opened(folder, freely(), PEOPLE) as premises:
        node = premises.node
        await node.database.create_business("other", "Other", hash_key("k2"), premises.clock())
        nursery_of_all = node._nursery
        assert nursery_of_all is not None
        before = len(nursery_of_all.child_tasks)

        def running() -> int:
            return len(nursery_of_all.child_tasks) - before

        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.live, "other")
            while running() < started:
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        await trio.sleep(1.0)
        live = node.businesses.get("other")
        assert running() == (len(live.supervisors) if live is not None else 0)
        assert await node.live("other") is not None
        assert running() == 4
