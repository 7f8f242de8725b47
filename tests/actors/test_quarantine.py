from actors.quarantine import Quarantine


def test_quarantine_ends_by_itself() -> None:
    quarantine = Quarantine(size=10, seconds=60.0)
    quarantine.add("a", now=100.0)
    assert quarantine.remaining("a", now=130.0) == 30.0
    assert quarantine.remaining("a", now=160.0) == 0.0
    assert quarantine.remaining("b", now=130.0) == 0.0


def test_a_release_ends_it_at_once_and_says_whether_there_was_one() -> None:
    quarantine = Quarantine(size=10, seconds=60.0)
    quarantine.add("a", now=0.0)
    assert quarantine.release("a")
    assert quarantine.remaining("a", now=0.0) == 0.0
    assert not quarantine.release("a")


def test_a_full_table_releases_who_is_due_first() -> None:
    quarantine = Quarantine(size=2, seconds=60.0)
    for now, actor_id in enumerate(("a", "b", "a", "c")):
        quarantine.add(actor_id, float(now))
    assert [entry.actor_id for entry in quarantine.statistics(5.0)] == ["a", "c"]


def test_who_comes_back_into_quarantine_is_due_last() -> None:
    quarantine = Quarantine(size=10, seconds=60.0)
    for now, actor_id in enumerate(("a", "b", "a")):
        quarantine.add(actor_id, float(now))
    assert [entry.actor_id for entry in quarantine.statistics(5.0)] == ["b", "a"]


def test_who_is_through_is_not_counted() -> None:
    quarantine = Quarantine(size=10, seconds=60.0)
    quarantine.add("a", now=0.0)
    quarantine.add("b", now=30.0)
    assert quarantine.count(59.0) == 2
    assert quarantine.count(60.0) == 1


def test_statistics_say_until_when() -> None:
    quarantine = Quarantine(size=10, seconds=60.0)
    quarantine.add("a", now=10.0)
    [entry] = quarantine.statistics(20.0)
    assert (entry.actor_id, entry.state, entry.last_activity) == ("a", "quarantined", 70.0)
