"""The clock that tests move."""

import time

import pytest

from oidc_async.testing import Clock


def test_a_clock_with_a_start_does_not_move() -> None:
    clock = Clock(start=1000.0)
    assert (clock(), clock.monotonic()) == (1000.0, 0.0)
    clock.advance(2.5)
    assert (clock(), clock.monotonic()) == (1002.5, 2.5)


def test_a_clock_without_runs_along() -> None:
    clock = Clock()
    before = time.time()
    assert before <= clock() <= time.time()
    clock.advance(600)
    assert clock() >= before + 600
    assert clock.monotonic() >= 600


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_jump_moves_the_wall_clock_alone(seconds: float) -> None:
    clock = Clock(start=10_000.0)
    clock.jump(seconds)
    assert (clock(), clock.monotonic()) == (10_000.0 + seconds, 0.0)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="jump"):
        Clock().advance(-1)
