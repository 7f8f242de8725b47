"""When a location is open: a week of local hours, and the holidays that replace a day of it
(EX-28, EX-29).

Instants are milliseconds since 1970 UTC, of the years that a calendar has (to 9998). ``None``
instead of hours is: always open.

Rules
1. A span is open from the first moment at which the clock on the wall shows ``opens`` or later, to
   the last at which it shows less than ``closes``. So where the clock is set forward, a time that
   it skips is the moment of the change; where it is set back, a span opens the first time and
   closes the last: nobody is shut out by an hour that comes twice. A skipped day has no hours.
2. A span ends with its day at the latest; open over midnight is two spans, and no closing.
3. A holiday replaces the hours of its date; without spans it is closed all day.
4. Nobody looks further than `LOOK_DAYS` ahead or back: what opens later does not open.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import msgspec

from domain.limits import NAME_BYTES
from domain.refusal import Code, Refusal
from domain.text import refuse_label

LOOK_DAYS = 400
SPANS_MAX = 12
"""Of one day."""
HOLIDAYS_MAX = 200
DAY_MINUTES = 1440
MINUTE_MS = 60_000

LONG_SINCE = "long"
"""The name of an absence that began before anybody looks back."""


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In minutes of the local day, 0 to 1440; ``closes`` itself is closed."""

    opens: int
    closes: int


Day = tuple[Span, ...]


class Holiday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``date``: YYYY-MM-DD, where the location is. Without ``spans`` it is closed all day."""

    date: str
    name: str
    spans: Day = ()


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``week``: seven days, Monday first, the spans of each in order."""

    week: tuple[Day, Day, Day, Day, Day, Day, Day]
    holidays: tuple[Holiday, ...] = ()


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def refuse_hours(hours: Hours) -> Refusal | None:
    """Why these cannot be the hours of a location, or ``None``."""
    for name, day in zip(_DAYS, hours.week, strict=True):
        refusal = _refuse_day(name, day)
        if refusal is not None:
            return refusal
    if len(hours.holidays) > HOLIDAYS_MAX:
        message = f"A location has at most {HOLIDAYS_MAX} holidays. Take out those that are over."
        return Refusal(Code.TOO_LARGE, message)
    dates = set[str]()
    for holiday in hours.holidays:
        if holiday.date in dates:
            return _bad(f"{holiday.date} is a holiday twice. Name each date once.")
        dates.add(holiday.date)
        refusal = _refuse_holiday(holiday)
        if refusal is not None:
            return refusal
    return None


def _refuse_holiday(holiday: Holiday) -> Refusal | None:
    try:
        exists = date.fromisoformat(holiday.date).isoformat() == holiday.date
    except ValueError:
        exists = False
    if not exists:
        return _bad(f"There is no date {holiday.date!a:.40}. Write it as YYYY-MM-DD.")
    refusal = refuse_label(holiday.name, NAME_BYTES, "name")
    return refusal or _refuse_day(holiday.date, holiday.spans)


def _refuse_day(name: str, day: Day) -> Refusal | None:
    if len(day) > SPANS_MAX:
        return Refusal(Code.TOO_LARGE, f"{name} has more than {SPANS_MAX} spans. Join some.")
    before = 0
    for span in day:
        if not 0 <= span.opens <= DAY_MINUTES or not 0 <= span.closes <= DAY_MINUTES:
            return _bad(f"{name}: hours are minutes of the day, 0 to {DAY_MINUTES}.")
        if span.opens >= span.closes:
            return _bad(
                f"{name}: a span opens before it closes. Split one over midnight in two, the first"
                f" to {DAY_MINUTES}, the second from 0 of the next day."
            )
        if span.opens < before:
            return _bad(f"{name}: spans overlap or are out of order. Name the earliest first.")
        before = span.closes
    return None


def _bad(message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, message)


def is_open(hours: Hours | None, zone: tzinfo, at: int) -> bool:
    """Whether it is open at ``at``."""
    if hours is None:
        return True
    return any(start <= at < end for start, end in _periods(hours, zone, at, range(-1, 2)))


def next_opening(hours: Hours | None, zone: tzinfo, at: int) -> int | None:
    """The first open moment from ``at`` on: ``at`` itself while it is open; ``None``: none."""
    if hours is None:
        return at
    ahead = _periods(hours, zone, at, range(-1, LOOK_DAYS))
    return next((max(start, at) for start, end in ahead if end > at), None)


def absence(hours: Hours | None, zone: tzinfo, at: int) -> str | None:
    """The name of the closed period that ``at`` lies in; ``None`` while it is open.

    Every moment of the period has the same, and no other period has it: the instant at which it
    began, so that hours to come may change in the meantime.
    """
    if hours is None or is_open(hours, zone, at):
        return None
    back = _periods(hours, zone, at, range(1, -LOOK_DAYS, -1))
    return next((str(end) for _, end in back if end <= at), LONG_SINCE)


def open_minutes(hours: Hours | None, zone: tzinfo, start: int, end: int) -> int:
    """How many whole minutes it was open from ``start`` to ``end``; see rule 4."""
    if end <= start:
        return 0
    if hours is None:
        return (end - start) // MINUTE_MS
    passed = 0
    for opens, closes in _apart(hours, zone, start):
        if opens >= end:
            break
        passed += min(closes, end) - opens
    return passed // MINUTE_MS


def open_after(hours: Hours | None, zone: tzinfo, start: int, minutes: int) -> int | None:
    """The first moment at which it has been open for ``minutes`` since ``start``; ``None``: never.

    It may be the moment of closing.
    """
    left = minutes * MINUTE_MS
    if hours is None or left <= 0:
        return start + max(left, 0)
    for opens, closes in _apart(hours, zone, start):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    return None


def open_before(hours: Hours | None, zone: tzinfo, end: int, minutes: int) -> int | None:
    """The last moment since which it has been open for ``minutes`` at ``end``; ``None``: none.

    So ``open_after(start)`` is at most ``end`` exactly for each ``start`` up to it.
    """
    left = minutes * MINUTE_MS
    if hours is None or left <= 0:
        return end - max(left, 0)
    counted = end
    for opens, closes in _periods(hours, zone, end, range(1, -LOOK_DAYS, -1)):
        last = min(closes, counted)
        if last <= opens:
            continue
        if last - opens >= left:
            return last - left
        left -= last - opens
        counted = opens
    return None


def _apart(hours: Hours, zone: tzinfo, start: int) -> Iterator[tuple[int, int]]:
    """What is open from ``start`` on, so that nothing is counted twice."""
    counted = start
    for opens, closes in _periods(hours, zone, start, range(-1, LOOK_DAYS)):
        if closes > counted:
            yield max(opens, counted), closes
            counted = closes


def _periods(hours: Hours, zone: tzinfo, at: int, days: range) -> Iterator[tuple[int, int]]:
    """The spans of ``days``, counted from that of ``at``, as instants; both ends follow ``days``.

    Two may overlap where the clock is set back.
    """
    holidays = {holiday.date: holiday.spans for holiday in hours.holidays}
    today = (_EPOCH + at * _MS).astimezone(zone).date()
    for number in days:
        day = today + timedelta(days=number)
        spans = holidays.get(day.isoformat(), hours.week[day.weekday()])
        midnight = datetime.combine(day, time())
        for span in spans if days.step > 0 else reversed(spans):
            start = _reached(midnight + timedelta(minutes=span.opens), zone)
            end = _passed(midnight + timedelta(minutes=span.closes), zone)
            if start < end:
                yield start, end


def _reached(wall: datetime, zone: tzinfo) -> int:
    """The first moment at which the clock shows ``wall`` or later."""
    return _instant(wall.replace(tzinfo=zone), zone)


def _passed(wall: datetime, zone: tzinfo) -> int:
    """The end of the last moment at which the clock shows less than ``wall``."""
    last = (wall - _MS).replace(tzinfo=zone, fold=1)
    return _instant(last, zone) + (0 if _skips(last) else 1)


def _skips(wall: datetime) -> bool:
    """Whether the clock never shows ``wall``: it goes forward, so its offset is larger after."""
    before, after = wall.replace(fold=0).utcoffset(), wall.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    return before < after


def _instant(wall: datetime, zone: tzinfo) -> int:
    """When the clock shows ``wall``, or the moment at which it is set forward over it."""
    if not _skips(wall):
        return (wall - _EPOCH) // _MS
    early = (wall.replace(fold=1) - _EPOCH) // _MS
    late = (wall.replace(fold=0) - _EPOCH) // _MS
    naive = wall.replace(tzinfo=None)
    while late - early > 1:
        middle = (early + late) // 2
        shown = (_EPOCH + middle * _MS).astimezone(zone).replace(tzinfo=None)
        early, late = (early, middle) if shown >= naive else (middle, late)
    return late
