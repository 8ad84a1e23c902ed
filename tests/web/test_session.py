"""The record of a login: kept in cookies, for so long, and never a reason for an error page."""

from datetime import UTC, datetime
from typing import Any

import pytest

from oidc_async.sealing import Sealer
from oidc_async.web.cookies import Cookies
from oidc_async.web.session import KIND, SPENT_KIND, SessionCookies, SessionRecord
from oidc_async.web.settings import Settings

from .web_request import NOW, REDIRECT_URI, Jar, settings

VALUES: dict[str, Any] = {"current_provider": "default", "last_authenticated": 1, "access_token": "the-access-token"}
COOKIES = Cookies(REDIRECT_URI)


def sessions(**changes: Any) -> SessionCookies:
    chosen: Settings = settings(**changes)
    return SessionCookies(chosen, Sealer(chosen.secret_keys), COOKIES, {})


def logged_in(keeper: SessionCookies, values: dict[str, Any] | None = None, now: float = NOW) -> Jar:
    record = SessionRecord(values or VALUES, begun_at=now, seen_at=now)
    return Jar().keep(keeper.save(record, {}, now))


def see(keeper: SessionCookies, jar: Jar, now: float) -> SessionRecord:
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


def test_a_session_in_use_goes_on() -> None:
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
    """security.md 159"""
    keeper = sessions(session_idle_seconds=600.0)
    jar, other = logged_in(keeper), logged_in(keeper, now=NOW + 60)
    see(keeper, other, NOW + 500)
    seen = COOKIES.name("seen")
    assert keeper.load(other, NOW + 1000)
    assert not keeper.load(Jar({**jar, seen: other[seen]}), NOW + 1000)
    assert not keeper.load(Jar({**jar, seen: jar[COOKIES.name(KIND)].partition(".")[2]}), NOW + 1000)


def test_a_page_that_took_long_does_not_undo_a_change() -> None:
    """security.md 243: it only tells that the session was seen"""
    keeper = sessions(session_idle_seconds=600.0)
    jar = logged_in(keeper)
    slow = Jar(jar)
    changed = keeper.load(jar, NOW + 100)
    changed["access_token"] = "next"
    jar.keep(keeper.save(changed, jar, NOW + 101))
    see(keeper, slow, NOW + 102)
    jar[COOKIES.name("seen")] = slow[COOKIES.name("seen")]
    assert keeper.load(jar, NOW + 103)["access_token"] == "next"


@pytest.mark.parametrize("difference", [0.0, 0.5, 50.0])
def test_a_login_after_a_logout_is_one_though_the_clocks_of_two_workers_differ(difference: float) -> None:
    """security.md 236"""
    keeper = sessions()
    jar = logged_in(keeper)
    record = keeper.load(jar, NOW)
    record.clear()
    jar.keep(keeper.save(record, jar, NOW))
    again = keeper.new(jar, NOW - difference)
    again.update(VALUES)
    jar.keep(keeper.save(again, jar, NOW - difference))
    assert keeper.load(jar, NOW + 1) == VALUES
    assert keeper.load(jar, NOW - difference + 1) == VALUES


def test_a_session_that_an_application_begins_itself_is_one_though_the_clocks_differ() -> None:
    """security.md 236"""
    jar = Jar().keep([sessions().end(NOW + 30)])
    record = sessions().load(jar, NOW)
    record.update(VALUES)
    jar.keep(sessions().save(record, jar, NOW))
    assert sessions().load(jar, NOW + 31) == VALUES


@pytest.mark.parametrize("mark", ["99999999999.000000", "nan", "-1.000000", "1e9", "", "1.0", "\u0661.000000"])
def test_a_mark_of_nonsense_delays_no_login(mark: str) -> None:
    """security.md 162"""
    assert sessions().new({COOKIES.name("ended"): mark}, NOW).begun_at == NOW


@pytest.mark.parametrize(("is_permanent", "max_age"), [(True, 3000), (False, None)])
def test_the_browser_keeps_the_cookie_as_long_as_the_session_or_until_it_closes(
    is_permanent: bool, max_age: int | None
) -> None:
    """contract.md 1: OIDC_SESSION_PERMANENT"""
    keeper = sessions(session_permanent=is_permanent, session_seconds=3600.0)
    record = SessionRecord(VALUES, begun_at=NOW - 600, seen_at=NOW)
    assert {cookie.max_age for cookie in keeper.save(record, {}, NOW)} == {max_age}


@pytest.mark.parametrize("year", [2037, 2039, 2107, 2500])
def test_years_beyond_2038_are_years(year: int) -> None:
    """security.md 172"""
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
    assert list(jar.keep(keeper.save(record, jar, NOW))) == [COOKIES.name("ended")]


def test_a_session_of_200_groups_fits() -> None:
    """security.md 165"""
    groups = [f"{number:08x}-0000-4000-8000-{number * 7919:012x}" for number in range(200)]
    keeper = sessions()
    jar = logged_in(keeper, {**VALUES, "userinfo": {"groups": groups}})
    assert keeper.load(jar, NOW)["userinfo"]["groups"] == groups


def test_a_refresh_token_that_was_dropped_stays_so_and_a_newer_one_is_another() -> None:
    """security.md 74, 243: though the response that brings the newer one comes first, or last"""
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


def test_that_one_was_dropped_is_told_of_one_session_only() -> None:
    """security.md 159, 160"""
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
    assert [name for name in jar if not name.endswith("-ended")] == []
