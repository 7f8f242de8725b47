import pytest

from actors.crash_report import FRAMES, error_frames, error_name

SECRET = "the dog's name is Bella"


def caught(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as raised:  # noqa: BLE001 - a group may hold anything
        return raised


def test_an_error_is_named_with_its_causes_and_without_its_text() -> None:
    name = error_name(caught(ValueError(SECRET), caught(OSError(SECRET))))
    assert name == "ValueError < OSError"


def test_a_group_is_named_with_what_it_holds() -> None:
    group = ExceptionGroup(SECRET, [ValueError(SECRET), ExceptionGroup("", [KeyError(SECRET)])])
    assert error_name(group) == "ExceptionGroup[ValueError, ExceptionGroup[KeyError]]"


def test_a_cause_that_is_its_own_cause_ends() -> None:
    error = ValueError(SECRET)
    error.__cause__ = error
    assert error_name(error) == " < ".join(["ValueError"] * 5)


def test_frames_say_where_and_show_no_values() -> None:
    [frame] = error_frames(caught(ValueError(SECRET)))
    assert frame.endswith("caught")
    assert "test_crash_report.py" in frame
    assert SECRET not in frame


def test_frames_of_a_group_are_those_of_its_first_error() -> None:
    group = ExceptionGroup("", [ExceptionGroup("", [caught(ValueError())])])  # type: ignore[list-item]
    assert error_frames(group)[0].endswith("caught")


def test_only_the_innermost_frames_are_kept() -> None:
    def fall(depth: int) -> None:
        if depth == 0:
            raise ValueError
        fall(depth - 1)

    with pytest.raises(ValueError) as caught_error:  # noqa: PT011 - only the depth matters
        fall(100)
    assert len(error_frames(caught_error.value)) == FRAMES
