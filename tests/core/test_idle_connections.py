"""Connections between two requests: which one is taken, and which are given up."""

from contextlib import nullcontext
from dataclasses import dataclass

from oidc_async.http.connection_pool import KEEP_ALIVE, IdleConnections


@dataclass(eq=False)
class Link:
    origin: str = "https://op.example"

    def can_handle_request(self, origin: str) -> bool:
        return origin == self.origin


def stack(*links: Link, most: int = 10) -> IdleConnections[Link]:
    idle = IdleConnections[Link](most, nullcontext())
    for link in links:
        assert idle.push(link, 100.0) is None
    return idle


def test_the_last_used_is_taken_first() -> None:
    first, last = Link(), Link()
    idle = stack(first, last)
    assert [idle.pop(first.origin) for _ in range(3)] == [last, first, None]


def test_one_to_another_provider_is_unchanged() -> None:
    here, there = Link("https://op.example"), Link("https://op.example:8443")
    idle = stack(here, there)
    assert idle.pop(here.origin) is here
    assert idle.pop(here.origin) is None
    assert idle.pop(there.origin) is there


def test_no_more_than_so_many_are_kept_and_the_oldest_goes() -> None:
    oldest, older, new = Link(), Link(), Link()
    idle = stack(oldest, older, most=2)
    assert idle.push(new, 100.0) is oldest
    assert [idle.pop(new.origin) for _ in range(3)] == [new, older, None]


def test_one_that_grew_old_goes_when_another_comes() -> None:
    old, other, new = Link(), Link(), Link()
    idle = stack(old, other)
    assert idle.push(new, 100.0 + KEEP_ALIVE / 2) is None
    assert idle.push(Link(), 100.0 + KEEP_ALIVE) is old


def test_after_the_end_none_is_kept() -> None:
    idle = stack(before := Link())
    assert idle.clear() == [before]
    late = Link()
    assert idle.push(late, 100.0) is late
    assert idle.pop(before.origin) is None
