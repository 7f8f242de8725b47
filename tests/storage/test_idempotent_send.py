"""R05 in bulk: every logical message exactly once, whatever is repeated, in whatever order."""

import random
from pathlib import Path

import pytest
import trio

from domain.commands import Accepted, Send
from domain.conversation import CONFLICTING_ID, REMEMBERED
from storage.check import check_file
from storage.database import FILE_NAME
from tests.actors.talk import Talk, send, speaker
from tests.contract.house import running_database

MESSAGES = 100_000
DEVICES = ("phone", "tablet")


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_r05_a_hundred_thousand_messages_each_up_to_six_times(tmp_path: Path) -> None:
    """Over restarts of the actor and of the server, with retries from long ago among them."""
    rng = random.Random(7)
    commands: list[Send] = []
    answers: dict[int, Accepted] = {}
    for restart in range(3):
        async with running_database(tmp_path) as database:
            talk = await reopened(database, first=restart == 0)
            while len(commands) < MESSAGES * (restart + 1) // 3:
                batch = [*new(rng, commands), *again(rng, commands)]
                rng.shuffle(batch)
                found = await talk(*[commands[n] for n in batch])
                for n, answer in zip(batch, found, strict=True):
                    assert isinstance(answer, Accepted)
                    assert answers.setdefault(n, answer) == answer
                if rng.random() < 0.1:
                    await talk.restart()
            conflicting = [
                Send(c.speaker, c.client_message_id, c.text + "!", 0)
                for c in rng.sample(commands, 50)
            ]
            assert await talk(*conflicting) == [CONFLICTING_ID] * 50
    assert len(answers) == len(commands) >= MESSAGES
    assert sorted(a.seq for a in answers.values()) == list(range(1, len(commands) + 1))
    assert MESSAGES > 2 * REMEMBERED, "some retries are of what is no longer at hand"
    assert check_file(tmp_path / FILE_NAME) == []


async def reopened(database: object, *, first: bool) -> Talk:
    if first:
        talk = await Talk.started(database)  # type: ignore[arg-type]
        await talk.create("carla")
        return talk
    state = await database.queries.business("pawsome")  # type: ignore[attr-defined]
    talk = Talk(database, state)  # type: ignore[arg-type]
    await talk.restart()
    return talk


def new(rng: random.Random, commands: list[Send]) -> list[int]:
    """New messages, added to ``commands``; sometimes one twice at once."""
    numbers = []
    for _ in range(rng.randint(1, 30)):
        n = len(commands)
        who = speaker(rng.choice(["sam", "carla"]), rng.choice(DEVICES))
        commands.append(Send(who, f"m{n}", f"text {n}", rng.choice([0, 0, max(0, n - 40)])))
        numbers += [n] * rng.choice([1, 1, 1, 2])
    return numbers


def again(rng: random.Random, commands: list[Send]) -> list[int]:
    """Retries, most of them of late."""
    late = [rng.randint(max(0, len(commands) - 100), len(commands) - 1) for _ in range(20)]
    early = [rng.randrange(len(commands)) for _ in range(rng.choice([0, 0, 5]))]
    return late + early


async def test_r05_the_same_id_in_two_conversations_at_once(tmp_path: Path) -> None:
    """Two actors, one commit: one is stored, for the other it is a conflict."""
    async with running_database(tmp_path) as database:
        one = await Talk.started(database)
        await one.create("carla")
        two = Talk(database, one.business)
        await two.restart("c2")
        await two.create("carla", author="zoe")
        for n in range(20):
            answers: list[object] = []

            async def ask(talk: Talk, n: int = n, answers: list[object] = answers) -> None:
                answers.append(await talk.one(send("carla", f"m{n}")))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask, one)
                nursery.start_soon(ask, two)
            assert sorted(isinstance(a, Accepted) for a in answers) == [False, True]
            assert CONFLICTING_ID in answers
    assert check_file(tmp_path / FILE_NAME) == []
