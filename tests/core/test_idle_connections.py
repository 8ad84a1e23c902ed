"""Connections between two requests: which one is taken, and which are closed."""

from contextlib import nullcontext
from dataclasses import dataclass

from oidc_async.idle_connections import KEEP_ALIVE, IdleConnections


@dataclass(eq=False)
class Link:
    origin: str = "https://op.example"
    idle_since: float = 0.0
    open: bool = True
    closed: int = 0

    def is_open(self) -> bool:
        return self.open

    def close(self) -> None:
        self.closed += 1


def stack(*links: Link, most: int = 10) -> IdleConnections[Link]:
    idle = IdleConnections[Link](most, nullcontext())
    for link in links:
        idle.put(link, 100.0)
    return idle


def test_the_last_used_is_taken_first() -> None:
    first, last = Link(), Link()
    idle = stack(first, last)
    assert [idle.take(first.origin, 100.0) for _ in range(3)] == [last, first, None]


def test_one_to_another_provider_is_left_alone() -> None:
    here, there = Link("https://op.example"), Link("https://op.example:8443")
    idle = stack(here, there)
    assert idle.take(here.origin, 100.0) is here
    assert idle.take(here.origin, 100.0) is None
    assert (here.closed, there.closed) == (0, 0)


def test_one_that_was_closed_or_idle_for_too_long_is_not_taken() -> None:
    fine, closed = Link(), Link(open=False)
    idle = stack(fine, closed)
    assert idle.take(fine.origin, 100.0 + KEEP_ALIVE / 2) is fine
    assert closed.closed == 1
    idle = stack(old := Link())
    assert idle.take(old.origin, 100.0 + KEEP_ALIVE) is None
    assert old.closed == 1


def test_no_more_than_so_many_are_kept_and_the_oldest_go() -> None:
    links = [Link() for _ in range(4)]
    stack(*links, most=2)
    assert [link.closed for link in links] == [1, 1, 0, 0]


def test_those_that_grew_old_are_closed_when_another_comes() -> None:
    idle = stack(old := Link(), other := Link())
    idle.put(new := Link(), 100.0 + KEEP_ALIVE)
    assert [link.closed for link in (old, other, new)] == [1, 1, 0]


def test_after_the_end_none_is_kept() -> None:
    idle = stack(before := Link())
    idle.close()
    idle.put(late := Link(), 100.0)
    assert (before.closed, late.closed) == (1, 1)
    assert idle.take(before.origin, 100.0) is None
