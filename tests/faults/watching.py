"""Whose presence a client watches, and what it was told."""

import trio

from tests.faults.premises import Premises
from tests.faults.raw_client import RawClient


async def watching(premises: Premises, person: str, *people: str) -> RawClient:
    """A connection of ``person`` that has been told how ``people`` are."""
    client = await premises.enter(person)
    await client.next("welcome")
    await client.ask("watch", people=list(people))
    await trio.sleep(1.0)
    return client


def told(client: RawClient) -> dict[str, str]:
    """Who was last told to be what."""
    return {
        shown["person"]: shown["state"]
        for frame in client.frames
        if frame["type"] == "presence"
        for shown in frame["people"]
    }
