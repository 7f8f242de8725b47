import pytest

from actors.limits import SupervisorLimits


@pytest.mark.parametrize("value", [0, -1, float("nan")])
@pytest.mark.parametrize("name", ["mailbox_size", "receive_seconds", "max_live", "dead_letters"])
def test_a_bound_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        SupervisorLimits(**{name: value})
