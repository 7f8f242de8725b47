"""When a location is open: examples at the changes of the clock, and an oracle that walks."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.hours import (
    HOLIDAYS_MAX,
    LONG_SINCE,
    LOOK_DAYS,
    SPANS_MAX,
    Day,
    Holiday,
    Hours,
    Span,
    absence,
    is_open,
    next_opening,
    open_after,
    open_before,
    open_minutes,
    refuse_hours,
)
from domain.refusal import Code

pytestmark = pytest.mark.requirement("EX-28", "EX-29")

MINUTE = 60_000
DAY = 1440 * MINUTE
CLOSED: Day = ()
NINE_TO_FIVE = (Span(540, 1020),)
WORK_WEEK = Hours((*([NINE_TO_FIVE] * 5), CLOSED, CLOSED))
ALL_DAY = Hours(((Span(0, 1440),),) * 7)
NEVER = Hours((CLOSED,) * 7)

NEW_YORK = ZoneInfo("America/New_York")
ZONES = (
    "America/New_York",
    "Europe/Rome",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",  # 5:45 ahead, never changes
    "Pacific/Apia",  # had no 30 December 2011
    "Africa/Casablanca",  # is set back for Ramadan
    "America/Havana",  # is set forward at midnight, and back to midnight
    "America/St_Johns",  # was set back at one past midnight, into the day before
    "UTC",
)


def every_day(*spans: tuple[int, int]) -> Hours:
    return Hours((tuple(Span(*span) for span in spans),) * 7)


def ms(text: str, zone: str = "America/New_York", fold: int = 0) -> int:
    """The instant at which a clock in ``zone`` shows ``text``."""
    shown = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(shown.timestamp() * 1000)


def test_a_week_of_work() -> None:
    at = ms("2026-06-19 16:59")  # a Friday
    assert is_open(WORK_WEEK, NEW_YORK, at)
    assert next_opening(WORK_WEEK, NEW_YORK, at) == at
    assert absence(WORK_WEEK, NEW_YORK, at) is None
    closing, monday = at + MINUTE, ms("2026-06-22 09:00")
    for later in (closing, closing + 1, ms("2026-06-20 12:00"), monday - 1):
        assert not is_open(WORK_WEEK, NEW_YORK, later)
        assert next_opening(WORK_WEEK, NEW_YORK, later) == monday
        assert absence(WORK_WEEK, NEW_YORK, later) == str(closing)
    assert open_minutes(WORK_WEEK, NEW_YORK, at, monday + 90_000) == 2
    assert open_after(WORK_WEEK, NEW_YORK, at, 1) == closing
    assert open_after(WORK_WEEK, NEW_YORK, at, 2) == monday + MINUTE


def test_every_absence_has_a_name_of_its_own() -> None:
    lunch = every_day((540, 720), (780, 1020))
    names = {
        absence(lunch, NEW_YORK, ms(at))
        for at in ("2026-06-18 12:30", "2026-06-18 22:00", "2026-06-19 06:00", "2026-06-19 12:00")
    }
    assert len(names) == 3
    assert None not in names


def test_a_holiday_replaces_its_day() -> None:
    hours = Hours(
        WORK_WEEK.week,
        (
            Holiday("2026-12-25", "Christmas"),
            Holiday("2026-12-26", "Saturday for what was forgotten", (Span(600, 720),)),
        ),
    )
    closing = ms("2026-12-24 17:00")
    assert next_opening(hours, NEW_YORK, closing) == ms("2026-12-26 10:00")
    assert absence(hours, NEW_YORK, ms("2026-12-25 12:00")) == str(closing)
    assert open_minutes(hours, NEW_YORK, closing, ms("2026-12-28 09:00")) == 120


def test_hours_that_change_in_an_absence_do_not_begin_another() -> None:
    night = ms("2026-12-24 22:00")
    with_holiday = Hours(WORK_WEEK.week, (Holiday("2026-12-25", "Christmas"),))
    assert absence(WORK_WEEK, NEW_YORK, night) == absence(with_holiday, NEW_YORK, night)


def test_no_hours_are_always_open() -> None:
    at = ms("2026-12-25 03:00")
    assert is_open(None, NEW_YORK, at)
    assert next_opening(None, NEW_YORK, at) == at
    assert absence(None, NEW_YORK, at) is None
    assert open_minutes(None, NEW_YORK, at, at + 10 * MINUTE - 1) == 9
    assert open_minutes(None, NEW_YORK, at, at - 10 * MINUTE) == 0
    assert open_after(None, NEW_YORK, at, 10) == at + 10 * MINUTE


def test_what_never_opens_is_one_absence() -> None:
    at = ms("2026-12-25 03:00")
    assert next_opening(NEVER, NEW_YORK, at) is None
    assert absence(NEVER, NEW_YORK, at) == absence(NEVER, NEW_YORK, at + 999 * DAY) == LONG_SINCE
    assert open_after(NEVER, NEW_YORK, at, 1) is None
    assert open_after(NEVER, NEW_YORK, at, 0) == at
    assert open_minutes(NEVER, NEW_YORK, at, at + 999 * DAY) == 0


def test_open_day_and_night_over_every_change_of_the_clock() -> None:
    start = ms("2026-01-01 00:00")
    assert absence(ALL_DAY, NEW_YORK, start) is None
    assert open_minutes(ALL_DAY, NEW_YORK, start, start + 365 * DAY) == 365 * 1440
    assert open_after(ALL_DAY, NEW_YORK, start, 365 * 1440) == start + 365 * DAY


def test_nobody_looks_further_than_the_bound() -> None:
    """A lone day far away, and a stretch of time far longer than hours are looked at."""
    at = ms("2026-01-01 12:00")
    lone = Hours(NEVER.week, (Holiday("2029-01-01", "Opening", NINE_TO_FIVE),))
    assert next_opening(lone, NEW_YORK, at) is None
    assert absence(lone, NEW_YORK, ms("2031-01-01 12:00")) == LONG_SINCE
    assert open_minutes(ALL_DAY, NEW_YORK, at, at + 10_000 * DAY) <= LOOK_DAYS * 1440
    assert open_after(ALL_DAY, NEW_YORK, at, LOOK_DAYS * 1440) is None


# The clock in New York goes from 2:00 to 3:00 on 8 March 2026, from 2:00 to 1:00 on 1 November.


@pytest.mark.parametrize("opens", [120, 150, 180])
def test_an_opening_that_the_clock_skips_is_the_moment_of_the_change(opens: int) -> None:
    change = ms("2026-03-08 03:00")
    assert next_opening(every_day((opens, 600)), NEW_YORK, change - 30 * MINUTE) == change


@pytest.mark.parametrize("closes", [120, 150, 180])
def test_a_closing_that_the_clock_skips_is_the_moment_of_the_change(closes: int) -> None:
    change = ms("2026-03-08 03:00")
    hours = every_day((60, closes))
    assert is_open(hours, NEW_YORK, change - 1)
    assert absence(hours, NEW_YORK, change) == str(change)
    assert open_minutes(hours, NEW_YORK, ms("2026-03-08 00:00"), change + DAY // 2) == 60


def test_a_span_inside_what_the_clock_skips_does_not_happen() -> None:
    hours = every_day((130, 170))
    closing = ms("2026-03-07 02:50")
    assert absence(hours, NEW_YORK, ms("2026-03-08 12:00")) == str(closing)
    assert next_opening(hours, NEW_YORK, closing) == ms("2026-03-09 02:10")


def test_an_hour_that_comes_twice_opens_the_first_time_and_closes_the_last() -> None:
    first, second = ms("2026-11-01 01:30"), ms("2026-11-01 01:30", fold=1)
    assert second - first == 60 * MINUTE
    late, early = every_day((90, 600)), every_day((0, 90))
    assert next_opening(late, NEW_YORK, first - MINUTE) == first
    assert is_open(late, NEW_YORK, second - 1)
    assert is_open(early, NEW_YORK, second - 1)
    assert absence(early, NEW_YORK, second) == str(second)


def test_a_closing_at_which_the_hour_comes_again_is_the_first() -> None:
    """At 1:00 the clock showed less the last time just before it showed 1:00 the first time."""
    one = ms("2026-11-01 01:00")
    assert absence(every_day((0, 60)), NEW_YORK, one) == str(one)


def test_spans_that_an_hour_twice_lets_overlap_are_counted_once() -> None:
    hours = every_day((0, 75), (90, 180))
    midnight = ms("2026-11-01 00:00")
    assert open_minutes(hours, NEW_YORK, midnight, midnight + DAY) == 240
    assert open_after(hours, NEW_YORK, midnight, 240) == ms("2026-11-01 03:00")


def test_a_day_that_was_skipped_has_no_hours() -> None:
    apia = ZoneInfo("Pacific/Apia")
    closing = ms("2011-12-29 17:00", "Pacific/Apia")
    hours = every_day((540, 1020))
    assert next_opening(hours, apia, closing) == ms("2011-12-31 09:00", "Pacific/Apia")
    assert next_opening(hours, apia, closing) == closing + 16 * 60 * MINUTE


def test_a_clock_that_is_set_back_into_the_day_before() -> None:
    """In St John's one past midnight of 7 November 2010 was followed by 23:01 of the 6th."""
    name = "America/St_Johns"
    zone, past_midnight = ZoneInfo(name), ms("2010-11-07 00:00", name) + MINUTE // 2
    saturdays = Hours((*([CLOSED] * 5), (Span(1320, 1410),), CLOSED))  # until half past eleven
    assert is_open(saturdays, zone, past_midnight)
    assert next_opening(saturdays, zone, past_midnight) == past_midnight
    assert open_minutes(saturdays, zone, past_midnight, past_midnight + DAY) == 29
    sundays = Hours((*([CLOSED] * 6), (Span(0, 60),)))
    again = ms("2010-11-06 23:30", name, fold=1)
    assert is_open(sundays, zone, again)
    assert absence(sundays, zone, again) is None


# --- What is refused ------------------------------------------------------------------------------


def monday(*spans: tuple[int, int]) -> Hours:
    return Hours((tuple(Span(*span) for span in spans), *([CLOSED] * 6)))


@pytest.mark.parametrize(
    "spans",
    [
        [(540, 540)],
        [(1320, 120)],
        [(-1, 60)],
        [(60, 1441)],
        [(1440, 1440)],
        [(540, 720), (719, 800)],
        [(600, 720), (540, 600)],
        [(540, 720), (540, 720)],
    ],
)
def test_spans_that_cannot_be_are_refused(spans: list[tuple[int, int]]) -> None:
    for hours, named in (
        (monday(*spans), "Monday"),
        (Hours(NEVER.week, (Holiday("2026-12-25", "X", monday(*spans).week[0]),)), "2026-12-25"),
    ):
        refusal = refuse_hours(hours)
        assert refusal is not None
        assert refusal.code is Code.BAD_REQUEST
        assert refusal.message.startswith(f"{named}: ")


@pytest.mark.parametrize(
    "date",
    ["2026-02-29", "2026-13-01", "2026-00-10", "20261225", "2026-W01-1", "2026-1-1", "", "Xmas"],
)
def test_dates_that_do_not_exist_are_refused(date: str) -> None:
    refusal = refuse_hours(Hours(NEVER.week, (Holiday(date, "Christmas"),)))
    assert refusal is not None
    assert refusal.message == f"There is no date {date!r}. Write it as YYYY-MM-DD."


def test_a_holiday_twice_or_without_a_name_is_refused() -> None:
    twice = (Holiday("2026-12-25", "Christmas"), Holiday("2026-12-25", "Natale"))
    refusal = refuse_hours(Hours(NEVER.week, twice))
    assert refusal is not None
    assert refusal.message == "2026-12-25 is a holiday twice. Name each date once."
    assert refuse_hours(Hours(NEVER.week, (Holiday("2026-12-25", " "),))) is not None


def test_too_many_spans_or_holidays_are_refused() -> None:
    spans = [(2 * n, 2 * n + 1) for n in range(SPANS_MAX + 1)]
    assert refuse_hours(monday(*spans[:-1])) is None
    refusal = refuse_hours(monday(*spans))
    assert refusal is not None
    assert refusal.code is Code.TOO_LARGE
    first = date(2026, 1, 1)
    days = [
        Holiday((first + timedelta(days=n)).isoformat(), "Holiday") for n in range(HOLIDAYS_MAX + 1)
    ]
    assert refuse_hours(Hours(NEVER.week, tuple(days[:-1]))) is None
    refusal = refuse_hours(Hours(NEVER.week, tuple(days)))
    assert refusal is not None
    assert refusal.code is Code.TOO_LARGE


def test_spans_may_touch() -> None:
    assert refuse_hours(every_day((0, 720), (720, 1440))) is None


# --- The oracle -----------------------------------------------------------------------------------


def changes(zone: ZoneInfo) -> Iterator[int]:
    """The days on which the clock in ``zone`` was changed."""
    at = datetime(2005, 1, 1, tzinfo=UTC)
    while at.year < 2030:
        later = at + timedelta(days=1)
        if at.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset():
            yield round(later.timestamp() * 1000)
        at = later


CHANGES = {name: list(changes(ZoneInfo(name))) or [0] for name in ZONES}

WALK_DAYS = (-4, 4)
"""The days around an instant that the oracle walks."""


class Oracle:
    """Minute by minute: what the clock on the wall shows, and so which minutes are open."""

    def __init__(self, hours: Hours, zone: ZoneInfo, at: int) -> None:
        first, last = (at // MINUTE + days * 1440 for days in WALK_DAYS)
        self.walk = range(first, last)
        shown = {
            minute: datetime.fromtimestamp(minute * 60, zone).replace(tzinfo=None)
            for minute in self.walk
        }
        self.open = set[int]()
        holidays = {holiday.date: holiday.spans for holiday in hours.holidays}
        for day in {wall.date() for wall in shown.values()}:
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
            for span in holidays.get(day.isoformat(), hours.week[day.weekday()]):
                opens = midnight + timedelta(minutes=span.opens)
                closes = midnight + timedelta(minutes=span.closes)
                since = (minute for minute in self.walk if shown[minute] >= opens)
                until = (minute for minute in reversed(self.walk) if shown[minute] < closes)
                self.open.update(range(next(since, last), next(until, first) + 1))

    def is_open(self, at: int) -> bool:
        return at // MINUTE in self.open


minutes = st.lists(st.integers(0, 1440), max_size=6, unique=True).map(sorted)
near_changes = st.lists(
    st.one_of(
        st.integers(0, 240), st.sampled_from([0, 1, 59, 60, 61, 90, 119, 120, 150, 180, 1440])
    ),
    max_size=6,
    unique=True,
).map(sorted)
days = st.one_of(minutes, near_changes).map(
    lambda edges: tuple(Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=False))
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Hours, ZoneInfo, int]:
    name = draw(st.sampled_from(ZONES))
    zone = ZoneInfo(name)
    anywhere = st.integers(0, 4_000_000_000_000)
    change = st.sampled_from(CHANGES[name])
    at = draw(anywhere | st.builds(int.__add__, change, st.integers(-2 * DAY, 2 * DAY)))
    week = draw(st.tuples(*[days] * 7))
    today = datetime.fromtimestamp(at // 1000, zone).date()
    dates = draw(st.lists(st.integers(-2, 2), max_size=2, unique=True))
    holidays = tuple(
        Holiday((today + timedelta(days=n)).isoformat(), "Holiday", draw(days)) for n in dates
    )
    hours = Hours(week, holidays)
    assert refuse_hours(hours) is None
    return hours, zone, at


@given(worlds(), st.integers(0, DAY))
def test_it_is_open_when_the_oracle_says(world: tuple[Hours, ZoneInfo, int], later: int) -> None:
    hours, zone, at = world
    oracle = Oracle(hours, zone, at)
    for moment in (at, at + later):
        assert is_open(hours, zone, moment) == oracle.is_open(moment)
        name = absence(hours, zone, moment)
        assert (name is None) == oracle.is_open(moment)
    opening = next_opening(hours, zone, at)
    ahead = next(
        (m for m in range(at // MINUTE, oracle.walk.stop - 1440) if m in oracle.open), None
    )
    if ahead is not None:
        assert opening == max(ahead * MINUTE, at)


@given(worlds(), st.integers(0, 2 * DAY))
def test_an_absence_has_one_name(world: tuple[Hours, ZoneInfo, int], later: int) -> None:
    """The same while nobody opens in between, and another one after that."""
    hours, zone, at = world
    names = absence(hours, zone, at), absence(hours, zone, at + later)
    if None in names:
        return
    oracle = Oracle(hours, zone, at)
    between = range(at // MINUTE, (at + later) // MINUTE + 1)
    assert (names[0] == names[1]) == oracle.open.isdisjoint(between)


@given(worlds(), st.integers(-DAY, 2 * DAY))
def test_open_minutes_are_those_that_are_open(
    world: tuple[Hours, ZoneInfo, int], later: int
) -> None:
    hours, zone, at = world
    oracle = Oracle(hours, zone, at)
    start, end = at // MINUTE, (at + later) // MINUTE
    expected = sum(minute in oracle.open for minute in range(start, end))
    assert open_minutes(hours, zone, start * MINUTE, end * MINUTE) == expected


@given(worlds(), st.integers(1, 3000))
def test_open_after_is_the_first_moment_with_so_many_open_minutes(
    world: tuple[Hours, ZoneInfo, int], wanted: int
) -> None:
    hours, zone, at = world
    found = open_after(hours, zone, at, wanted)
    if found is None:
        assert open_minutes(hours, zone, at, at + (LOOK_DAYS + 9) * DAY) < wanted
    else:
        assert open_minutes(hours, zone, at, found) == wanted
        assert open_minutes(hours, zone, at, found - 1) == wanted - 1


@given(worlds(), st.integers(1, 3000), st.integers(-2 * DAY, 2 * DAY))
def test_open_before_is_the_last_start_from_which_it_was_open_so_long(
    world: tuple[Hours, ZoneInfo, int], wanted: int, shift: int
) -> None:
    hours, zone, end = world
    found = open_before(hours, zone, end, wanted)
    if found is None:
        reached = open_after(hours, zone, end - 100 * DAY, wanted)
        assert reached is None or reached > end
        return
    reached = open_after(hours, zone, found, wanted)
    assert reached is not None
    assert reached <= end
    for start in (found + 1, found + abs(shift) + 1):
        later = open_after(hours, zone, start, wanted)
        assert later is None or later > end
    earlier = open_after(hours, zone, found - abs(shift), wanted)
    assert earlier is not None
    assert earlier <= end
