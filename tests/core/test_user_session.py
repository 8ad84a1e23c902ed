"""UserSession on any mutable mapping: what a login leaves there, and what an application reads of it."""

import json
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict, UserDict
from collections.abc import Callable, Iterator, MutableMapping
from types import MappingProxyType
from typing import Any

import pytest

from oidc_async import UninitialisedSession, UserSession

NOW = 1_800_000_000.0

Storage = MutableMapping[str, Any]


class JsonStorage(MutableMapping[str, Any]):
    """A storage such as a session backend is: it can do no more than a mutable mapping, and keeps only JSON."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        return json.loads(self._texts[name])

    def __setitem__(self, name: str, value: Any) -> None:
        self._texts[name] = json.dumps(value)

    def __delitem__(self, name: str) -> None:
        del self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@pytest.fixture(params=[dict, OrderedDict, UserDict, JsonStorage], ids=lambda kind: kind.__name__)
def storage(request: pytest.FixtureRequest) -> Storage:
    kind: Callable[[], Storage] = request.param
    return kind()


def log_in(storage: Storage, provider: str = "default", **news: Any) -> UserSession:
    session = UserSession(storage, provider)
    session.update(**{"access_token": "token", "id_token": {"sub": "alice"}, "now": NOW, **news})
    return session


def jwt(**claims: Any) -> str:
    parts = ({"alg": "RS256"}, claims)
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*encoded, "c2lnbmF0dXJl"))


def test_without_a_login_a_provider_must_be_named(storage: Storage) -> None:
    with pytest.raises(UninitialisedSession):
        UserSession(storage)
    assert UserSession(storage, "default").current_provider == "default"


def test_before_a_login_there_is_nothing_to_read_and_nothing_is_written(storage: Storage) -> None:
    session = UserSession(storage, "default")
    assert not session.is_authenticated()
    assert session.last_authenticated is None
    assert (session.access_token, session.access_token_expires_at, session.refresh_token) == (None, None, None)
    assert (session.id_token, session.id_token_jwt, session.userinfo) == (None, None, None)
    assert not storage


@pytest.mark.parametrize(
    ("news", "name", "expected"),
    [
        pytest.param({"access_token": "at"}, "access_token", "at", id="access_token"),
        pytest.param({"expires_in": 60}, "access_token_expires_at", NOW + 60, id="expires_in"),
        pytest.param({"expires_in": 0}, "access_token_expires_at", NOW, id="expires_in-0"),
        pytest.param({"expires_in": 0.5}, "access_token_expires_at", NOW + 0.5, id="expires_in-fraction"),
        pytest.param({}, "access_token_expires_at", None, id="no-expires_in"),
        pytest.param({"refresh_token": "rt"}, "refresh_token", "rt", id="refresh_token"),
        pytest.param({"id_token": {"sub": "bob"}}, "id_token", {"sub": "bob"}, id="id_token"),
        pytest.param({"id_token_jwt": jwt(sub="carol")}, "id_token_jwt", jwt(sub="carol"), id="id_token_jwt"),
        pytest.param({"id_token_jwt": jwt(sub="carol")}, "id_token", {"sub": "carol"}, id="claims-of-the-jwt"),
        pytest.param({"userinfo": {"name": "Alice"}}, "userinfo", {"name": "Alice"}, id="userinfo"),
        pytest.param({"userinfo": MappingProxyType({"a": 1})}, "userinfo", {"a": 1}, id="any-mapping"),
        pytest.param({}, "last_authenticated", NOW, id="authenticated-now"),
        pytest.param({"id_token": {"auth_time": NOW - 50}}, "last_authenticated", NOW - 50, id="auth_time"),
        pytest.param({}, "current_provider", "default", id="provider"),
    ],
)
def test_a_login_leaves(storage: Storage, news: dict[str, Any], name: str, expected: object) -> None:
    log_in(storage, **news)
    for session in (UserSession(storage), UserSession(storage, "default")):
        assert session.is_authenticated()
        assert getattr(session, name) == expected


def test_the_time_of_a_login_is_now_unless_said_otherwise(storage: Storage) -> None:
    before = time.time()
    log_in(storage, now=None)
    assert before - 1 <= (UserSession(storage).last_authenticated or 0) <= time.time()


def test_an_update_keeps_what_it_does_not_bring(storage: Storage) -> None:
    session = log_in(storage, refresh_token="rt", userinfo={"name": "Alice"}, expires_in=60)
    session.update(access_token="newer", now=NOW + 30)
    assert (session.access_token, session.refresh_token) == ("newer", "rt")
    assert (session.id_token, session.userinfo) == ({"sub": "alice"}, {"name": "Alice"})


def test_a_login_elsewhere_is_invisible_until_it_succeeds(storage: Storage) -> None:
    log_in(storage, "first", access_token="of the first", refresh_token="rt")
    second = UserSession(storage, "second")
    assert not second.is_authenticated()
    assert (second.current_provider, second.access_token, second.id_token) == ("second", None, None)
    assert UserSession(storage, "first").access_token == "of the first"

    second.update(access_token="of the second", now=NOW)
    assert UserSession(storage).current_provider == "second"
    assert (second.access_token, second.refresh_token, second.id_token) == ("of the second", None, None)
    assert not UserSession(storage, "first").is_authenticated()


@pytest.mark.parametrize(
    ("age", "interval", "expected"),
    [
        pytest.param(100, 60, True, id="older"),
        pytest.param(10, 60, False, id="younger"),
        pytest.param(100, None, False, id="no-interval"),
        pytest.param(None, 60, False, id="no-login"),
    ],
)
def test_a_login_is_renewed_when_it_is_older_than_the_interval(
    storage: Storage, age: float | None, interval: float | None, expected: bool
) -> None:
    session = UserSession(storage, "default")
    if age is not None:
        # the user may have authenticated long before: what counts is when we last heard of it
        log_in(storage, now=time.time() - age, id_token={"auth_time": 1})
    assert session.should_refresh(interval) is expected


def test_a_refresh_of_tokens_alone_makes_no_login_younger(storage: Storage) -> None:
    session = log_in(storage)
    session.update(access_token="new", now=NOW + 100, is_renewal=False)
    assert session.should_refresh(60, now=NOW + 61)
    assert not session.should_refresh(60, now=NOW + 60)
    session.update(access_token="newer", now=NOW + 200)
    assert not session.should_refresh(60, now=NOW + 260)
    assert session.should_refresh(60, now=NOW + 261)


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        pytest.param({}, {"nonce": "first", "auth_time": 1}, id="the-old-one-stays"),
        pytest.param({"refresh_token": "new"}, {"nonce": "second", "auth_time": 2}, id="a-new-one"),
    ],
)
def test_a_refresh_token_continues_the_login_that_it_is_of(
    storage: Storage, news: dict[str, Any], expected: dict[str, Any]
) -> None:
    """OIDC Core 12.2: an ID token that it brings may name the nonce of that login, and no other"""
    session = log_in(storage, id_token={"sub": "alice", "nonce": "first", "auth_time": 1}, refresh_token="old")
    session.update(access_token="new", id_token={"sub": "alice", "nonce": "second", "auth_time": 2}, **news)
    assert session.claims_of_login == {"sub": "alice", **expected}
    assert session.last_authenticated == 2
    assert session.id_token == {"sub": "alice", "nonce": "second", "auth_time": 2}


@pytest.mark.parametrize(("new", "expected"), [({"sid": "second"}, "second"), ({}, "first")], ids=["new", "none"])
def test_a_session_is_that_at_the_provider_that_was_named_last(
    storage: Storage, new: dict[str, Any], expected: str
) -> None:
    """OIDC Back-Channel Logout 2.1: by its `sid` it is ended, whatever the refresh token is of"""
    session = log_in(storage, id_token={"sub": "alice", "nonce": "first", "sid": "first"}, refresh_token="old")
    session.update(access_token="new", id_token={"sub": "alice", "nonce": "second", **new})
    assert session.claims_of_login == {"sub": "alice", "nonce": "first", "sid": expected}


def test_clear_takes_the_login_and_nothing_else(storage: Storage) -> None:
    storage["theirs"] = "stays"
    session = log_in(storage, refresh_token="rt", id_token_jwt=jwt(sub="alice"), userinfo={"a": 1}, expires_in=1)
    session.clear()
    session.clear()
    assert dict(storage) == {"theirs": "stays"}
    with pytest.raises(UninitialisedSession):
        UserSession(storage)


def test_nor_does_it_leave_what_a_frame_asks_about() -> None:
    storage: dict[str, Any] = {"current_provider": "op", "session_state": "hash.salt", "theirs": "stays"}
    UserSession(storage).clear()
    assert storage == {"theirs": "stays"}
