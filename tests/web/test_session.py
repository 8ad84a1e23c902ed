"""The record of a login: kept in cookies, for so long, and never a reason for an error page."""

from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any

import pytest

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.sealing import Sealer
from oidc_async.web.http.cookies import Cookies
from oidc_async.web.http.messages import Cookie
from oidc_async.web.sessions.cookie_sessions import KIND, SPENT_KIND, CookieSessions, SessionRecord
from oidc_async.web.sessions.user_session import UserSession
from oidc_async.web.settings import Settings

from .web_request import NOW, REDIRECT_URI, Jar, settings

VALUES: dict[str, Any] = {"current_provider": "default", "last_authenticated": 1, "access_token": "the-access-token"}
COOKIES = Cookies(REDIRECT_URI)


def sessions(**changes: Any) -> CookieSessions:
    chosen: Settings = settings(**changes)
    return CookieSessions(chosen, Sealer(chosen.secret_keys), COOKIES, {})


def logged_in(keeper: CookieSessions, values: dict[str, Any] | None = None, now: float = NOW) -> Jar:
    record = SessionRecord(values or VALUES, begun_at=now, seen_at=now)
    return Jar().keep(keeper.save(record, {}, now))


def see(keeper: CookieSessions, jar: Jar, now: float) -> SessionRecord:
    """A request that changes nothing."""
    record = keeper.load(jar, now)
    assert not record.modified
    if record.seen_again:
        jar.keep([keeper.save_seen(record, now)])
    return record


def test_a_record_comes_back_as_it_was() -> None:
    keeper = sessions()
    record = keeper.load(logged_in(keeper), NOW + 1)
    assert record == VALUES
    assert (record.begun_at, record.seen_at, record.modified) == (NOW, NOW, False)


def test_there_is_nothing_in_a_browser_without_cookies() -> None:
    record = sessions().load({}, NOW)
    assert record == {}
    assert not record.modified


@pytest.mark.parametrize(
    ("after", "is_alive"),
    [(0, True), (3600, True), (3601, False), (1e9, False)],
    ids=["at once", "last", "over", "years"],
)
def test_a_session_ends_at_its_age_however_much_it_is_used(after: float, is_alive: bool) -> None:
    """contract.md 2: the absolute lifetime"""
    keeper = sessions(session_seconds=3600.0, session_idle_seconds=1e10)
    jar = logged_in(keeper)
    assert bool(keeper.load(jar, NOW + after)) is is_alive


def test_use_does_not_prolong_the_absolute_lifetime() -> None:
    """contract.md 2"""
    keeper = sessions(session_seconds=3600.0, session_idle_seconds=600.0)
    jar, alive_until = logged_in(keeper), NOW
    for now in range(int(NOW), int(NOW) + 7200, 60):
        if see(keeper, jar, now):
            alive_until = now
    assert alive_until == NOW + 3600


def test_a_session_that_nobody_uses_ends() -> None:
    """contract.md 2: the idle lifetime"""
    keeper = sessions(session_idle_seconds=600.0)
    jar = logged_in(keeper)
    assert keeper.load(jar, NOW + 600)
    assert not keeper.load(jar, NOW + 601)


def test_a_session_in_use_continues() -> None:
    """contract.md 2: the idle lifetime"""
    keeper = sessions(session_idle_seconds=600.0)
    jar = logged_in(keeper)
    for now in range(int(NOW), int(NOW) + 6000, 500):
        assert see(keeper, jar, now) == VALUES


@pytest.mark.parametrize(("after", "is_written"), [(0, False), (60, False), (61, True)])
def test_being_seen_is_written_now_and_then_not_always(after: float, is_written: bool) -> None:
    keeper = sessions(session_idle_seconds=600.0)
    record = keeper.load(logged_in(keeper), NOW + after)
    assert (record.seen_again, record.modified) == (is_written, False)
    assert record.seen_at == (NOW + after if is_written else NOW)


def test_without_an_idle_lifetime_nothing_is_written_for_being_seen() -> None:
    keeper = sessions()
    record = keeper.load(logged_in(keeper), NOW + 80_000)
    assert not record.seen_again
    assert not record.modified


def test_being_seen_prolongs_the_session_that_was_seen_and_no_other() -> None:
    """threat model 159"""
    keeper = sessions(session_idle_seconds=600.0)
    jar, other = logged_in(keeper), logged_in(keeper, now=NOW + 60)
    see(keeper, other, NOW + 500)
    seen = COOKIES.name("seen")
    assert keeper.load(other, NOW + 1000)
    assert not keeper.load(Jar({**jar, seen: other[seen]}), NOW + 1000)
    assert not keeper.load(Jar({**jar, seen: jar[COOKIES.name(KIND)].partition(".")[2]}), NOW + 1000)


def test_a_page_that_took_long_does_not_undo_a_change() -> None:
    """threat model 243: it only tells that the session was seen"""
    keeper = sessions(session_idle_seconds=600.0)
    jar = logged_in(keeper)
    slow = Jar(jar)
    changed = keeper.load(jar, NOW + 100)
    changed["access_token"] = "next"
    jar.keep(keeper.save(changed, jar, NOW + 101))
    see(keeper, slow, NOW + 102)
    jar[COOKIES.name("seen")] = slow[COOKIES.name("seen")]
    assert keeper.load(jar, NOW + 103)["access_token"] == "next"


def ended(keeper: CookieSessions, jar: Jar, now: float) -> Jar:
    """The cookies after a logout, with or without a login."""
    record = keeper.load(jar, now)
    record.end()
    return jar.keep(run_without_loop(keeper.keep(record, jar, now)))


def changed(keeper: CookieSessions, jar: Jar, now: float) -> list[Cookie]:
    """What a response sets that changes the session, for instance by a refresh."""
    record = keeper.load(jar, now)
    record["access_token"] = "the next one"
    return run_without_loop(keeper.keep(record, jar, now))


@pytest.mark.parametrize("difference", [-30.0, -0.5, 0.0, 0.5, 30.0])
def test_a_logout_is_final_and_a_login_after_it_is_one_though_clocks_differ(difference: float) -> None:
    """threat model 348: the logout, or the login, is at a worker whose clock is ahead or behind"""
    keeper = sessions()
    jar = logged_in(keeper)
    late = changed(keeper, jar, NOW)
    ended(keeper, jar, NOW + difference).keep(late)
    for now in (NOW, NOW + difference, NOW + 3601, NOW + 86_000):
        assert keeper.load(jar, now) == {}
    again = keeper.new(jar, NOW - difference)
    again.update(VALUES)
    jar.keep(run_without_loop(keeper.begin(again, jar, NOW - difference)))
    for now in (NOW, NOW - difference, NOW + 3601, NOW + 86_000):
        assert keeper.load(jar, now) == VALUES


@pytest.mark.parametrize("parts", [(1, 1), (1, 3), (3, 1), (3, 3)], ids=str)
def test_a_late_response_hands_nobody_the_session_of_another_user(parts: tuple[int, int]) -> None:
    """threat model 347: however many cookies either session needs"""
    keeper = sessions()
    alice, bob = (
        {**VALUES, "userinfo": {"sub": name, "padding": token_urlsafe(3800 * (count - 1))}}
        for name, count in zip(("alice", "bob"), parts, strict=True)
    )
    jar = logged_in(keeper, alice)
    late = changed(keeper, jar, NOW)
    record = keeper.new(jar, NOW)
    record.update(bob)
    jar.keep(run_without_loop(keeper.begin(record, jar, NOW)))
    assert keeper.load(jar, NOW) == bob
    own = changed(keeper, jar, NOW)
    jar.keep(late)
    for after in (0, 3601, 86_000):
        assert keeper.load(jar, NOW + after) == {}
    assert keeper.load(jar.keep(own), NOW)["userinfo"] == bob["userinfo"]


def test_a_login_that_is_answered_late_revives_no_session_that_it_did_not_know() -> None:
    """threat model 347: bob's login was sent before carol's, and comes after it"""
    keeper = sessions()
    jar = Jar()
    bob = keeper.new(jar, NOW)
    bob.update({**VALUES, "userinfo": {"sub": "bob"}})
    login_of_bob = run_without_loop(keeper.begin(bob, jar, NOW))
    carol = keeper.new(jar, NOW + 10)
    carol.update({**VALUES, "userinfo": {"sub": "carol"}})
    jar.keep(run_without_loop(keeper.begin(carol, jar, NOW + 10)))
    refresh_of_carol = changed(keeper, jar, NOW + 20)
    jar.keep(login_of_bob)
    assert keeper.load(jar, NOW + 30)["userinfo"] == {"sub": "bob"}
    jar.keep(refresh_of_carol)
    assert keeper.load(jar, NOW + 30) == {}


def test_a_logout_is_final_though_the_session_was_replaced_by_a_dead_one() -> None:
    """threat model 346"""
    keeper = sessions()
    alice = logged_in(keeper)
    late = changed(keeper, alice, NOW)
    jar = logged_in(keeper)
    of_this = changed(keeper, jar, NOW)
    jar.keep(late)
    ended(keeper, jar, NOW).keep(of_this)
    assert keeper.load(jar, NOW) == {}


def test_what_takes_the_place_of_a_session_in_one_request_is_another_session() -> None:
    """threat model 347: an application may clear a session and begin one itself"""
    keeper = sessions()
    jar = logged_in(keeper)
    late = changed(keeper, jar, NOW)
    record = keeper.load(jar, NOW)
    UserSession(record).clear()
    UserSession(record, "default").update(userinfo={"sub": "bob"}, now=NOW)
    jar.keep(run_without_loop(keeper.keep(record, jar, NOW)))
    assert keeper.load(jar, NOW)["userinfo"] == {"sub": "bob"}
    assert keeper.load(jar.keep(late), NOW) == {}


@pytest.mark.parametrize("current", [None, "", "another", "x" * 5000, "\u0661"])
def test_a_session_that_is_not_the_current_one_is_none(current: str | None) -> None:
    """threat model 162, 346: whatever the browser lost, or was given"""
    keeper = sessions()
    jar = logged_in(keeper)
    name = COOKIES.name("current")
    crafted = Jar({key: value for key, value in jar.items() if key != name})
    if current is not None:
        crafted[name] = current
    assert keeper.load(crafted, NOW) == {}
    assert keeper.load(jar, NOW) == VALUES


def test_cookies_of_a_dead_session_are_deleted_when_they_are_met() -> None:
    """threat model 349: and nothing of the current one"""
    keeper = sessions(session_seconds=3600.0)
    jar = logged_in(keeper, {**VALUES, "userinfo": {"padding": token_urlsafe(8000)}})
    late = changed(keeper, jar, NOW)
    ended(keeper, jar, NOW).keep(late)
    current = COOKIES.name("current")
    jar[current] = "of another session"
    assert len(jar) >= 4
    jar.keep(run_without_loop(keeper.keep(keeper.load(jar, NOW), jar, NOW)))
    assert jar == {current: "of another session"}


def test_what_another_worker_may_be_able_to_open_is_not_deleted() -> None:
    """threat model 349: keys are replaced at one worker after the other"""
    keeper, other = sessions(), sessions(secret_keys=(b"another secret of the tests",))
    jar = logged_in(other)
    assert run_without_loop(keeper.keep(keeper.load(jar, NOW), jar, NOW)) == []
    assert other.load(jar, NOW) == VALUES


@pytest.mark.parametrize(("is_permanent", "max_age"), [(True, 3000), (False, None)])
def test_the_browser_keeps_the_cookie_as_long_as_the_session_or_until_it_closes(
    is_permanent: bool, max_age: int | None
) -> None:
    """contract.md 1: OIDC_SESSION_PERMANENT"""
    keeper = sessions(session_permanent=is_permanent, session_seconds=3600.0)
    record = SessionRecord(VALUES, begun_at=NOW - 600, seen_at=NOW)
    cookies = keeper.save(record, {}, NOW)
    assert {cookie.max_age for cookie in cookies} == {max_age}
    # also the one without which the session is none
    assert [cookie.name for cookie in cookies] == [COOKIES.name(KIND), COOKIES.name("current")]


@pytest.mark.parametrize("year", [2037, 2039, 2107, 2500])
def test_years_beyond_2038_are_years(year: int) -> None:
    """threat model 172"""
    now = datetime(year, 12, 31, tzinfo=UTC).timestamp()
    keeper = sessions(session_seconds=9e9, session_idle_seconds=600.0)
    jar = logged_in(keeper, now=now)
    assert keeper.load(jar, now + 599) == VALUES
    assert not keeper.load(jar, now + 601)


def test_an_empty_record_deletes_the_cookies_that_are_there() -> None:
    keeper = sessions()
    jar = logged_in(keeper)
    record = keeper.load(jar, NOW)
    record.clear()
    assert list(jar.keep(keeper.save(record, jar, NOW))) == []


def test_a_session_of_200_groups_fits() -> None:
    """threat model 165"""
    groups = [f"{number:08x}-0000-4000-8000-{number * 7919:012x}" for number in range(200)]
    keeper = sessions()
    jar = logged_in(keeper, {**VALUES, "userinfo": {"groups": groups}})
    assert keeper.load(jar, NOW)["userinfo"]["groups"] == groups


def test_a_refresh_token_that_was_dropped_stays_so_and_a_newer_one_is_another() -> None:
    """threat model 74, 243: though the response that brings the newer one comes first, or last"""
    keeper = sessions()
    old, new = ({**VALUES, "refresh_token": token} for token in ("old", "new"))
    jar = logged_in(keeper, old)
    record = keeper.load(jar, NOW)
    jar.keep(keeper.drop_refresh_token(record, NOW))
    assert not record.modified
    assert "refresh_token" not in keeper.load(jar, NOW)
    assert "refresh_token" in keeper.load(logged_in(keeper, old), NOW)
    jar.keep(keeper.save(SessionRecord(new, begun_at=NOW, seen_at=NOW), jar, NOW))
    assert keeper.load(jar, NOW)["refresh_token"] == "new"
    assert "old" not in str(jar)


def test_that_one_was_dropped_concerns_one_session_only() -> None:
    """threat model 159, 160"""
    keeper = sessions()
    values = {**VALUES, "refresh_token": "old"}
    jar = logged_in(keeper, values)
    spent = keeper.drop_refresh_token(keeper.load(jar, NOW), NOW)
    other = logged_in(keeper, values, NOW + 1).keep(spent)
    assert "refresh_token" in keeper.load(other, NOW + 1)
    for value in ("", "A" * 60, jar[COOKIES.name(KIND)]):
        nonsense = Jar({**jar, COOKIES.name(SPENT_KIND): value})
        assert "refresh_token" in keeper.load(nonsense, NOW)


def test_a_logout_takes_the_note_along() -> None:
    keeper = sessions()
    jar = logged_in(keeper, {**VALUES, "refresh_token": "old"})
    jar.keep(keeper.drop_refresh_token(keeper.load(jar, NOW), NOW))
    record = keeper.load(jar, NOW)
    record.clear()
    jar.keep(keeper.save(record, jar, NOW))
    assert jar == {}
