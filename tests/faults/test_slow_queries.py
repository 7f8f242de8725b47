"""A look-up that takes too long is answered as such, and the connection goes on."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from storage import readers
from tests.faults.premises import freely, opened

REQUESTS: dict[str, dict[str, object]] = {
    "history": {"conversation": "g"},
    "conversations": {},
    "open": {"conversation": "g"},
    "receipts": {"conversation": "g", "seq": 1},
    "versions": {"conversation": "g", "seq": 1},
    "people": {},
    "watch": {"people": ["sam"]},
}


@pytest.mark.parametrize("request_", REQUESTS)
async def test_a_request_that_takes_too_long_is_refused(
    virtual_time: MockClock, folder: Path, request_: str
) -> None:
    fields = REQUESTS[request_]
    async with opened(folder, freely()) as premises:
        await premises.group("g", "sam", "carla")
        await premises.say("g", "carla", "Is Rex ready?", "m1")
        client = await premises.enter("carla")
        await client.next("welcome")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(readers, "READ_SECONDS", -1.0)
            patch.setattr(readers, "STEPS", 1)
            first, second = client.next_id(), client.next_id()
            client.send(request_, id=first, **fields)
            client.send(request_, id=second, **fields)
            for id_ in (first, second):
                refused = await client.reply(id_)
                assert (refused["type"], refused["code"]) == ("error", "overloaded")
                assert refused["retry_after"] > 0
        answered = await client.ask(request_, **fields)
        assert answered["type"] != "error"
        assert client.closed is None
