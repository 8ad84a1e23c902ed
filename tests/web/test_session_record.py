"""The record of a login: what changes it, how long it lasts, for whom, and what it may hold."""

import json
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import oidc_async
from oidc_async.errors import ConfigurationError, SessionTooLarge
from oidc_async.protocol.strict_json import MAX_DEPTH
from oidc_async.web.sessions.session_record import (
    MAX_RECORD_BYTES,
    Lifetime,
    SessionRecord,
    decode_record,
    encode_record,
)
from oidc_async.web.sessions.user_session import UserSession

from .web_request import NOW, settings

VALUES: dict[str, Any] = {"current_provider": "default", "last_authenticated": 1, "access_token": "the-access-token"}
CLIENTS = {"default": "client1 at https://op.example", "second": "client1 at https://second.example"}
DOCUMENT: dict[str, Any] = {
    "begun_at": NOW,
    "seen_at": NOW,
    "session_id": "the id of the session",
    "login_begun": [NOW - 5, NOW - 7, ["the version of a mark"]],
    "client": CLIENTS["default"],
    "values": VALUES,
}


def record(values: Mapping[str, Any] = VALUES, *, begun_at: float = NOW, seen_at: float = NOW) -> SessionRecord:
    return SessionRecord(values, begun_at=begun_at, seen_at=seen_at)


def nested(depth: int) -> Any:
    value: Any = "claim"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(userinfo={}),
        lambda record: record.__setitem__("userinfo", {}),
        lambda record: record.setdefault("userinfo", {}),
        lambda record: record.pop("access_token"),
        lambda record: record.popitem(),
        lambda record: record.clear(),
        lambda record: UserSession(record).update(access_token="next"),
        lambda record: UserSession(record).clear(),
    ],
    ids=["update", "set", "setdefault", "pop", "popitem", "clear", "UserSession.update", "UserSession.clear"],
)
def test_every_change_is_noticed(change: Callable[[SessionRecord], object]) -> None:
    kept = record()
    assert not kept.modified
    change(kept)
    assert kept.modified


def test_reading_is_not_a_change() -> None:
    kept = record()
    user = UserSession(kept)
    assert (user.access_token, user.userinfo, user.is_authenticated()) == ("the-access-token", None, True)
    assert not kept.modified


@pytest.mark.parametrize(
    ("idle", "begun", "seen", "is_alive"),
    [
        (None, 3600, 3600, True),
        (None, 3601, 0, False),
        (600, 3600, 600, True),
        (600, 3600, 601, False),
        (600, 3601, 0, False),
    ],
)
def test_a_session_is_alive_while_it_is_young_and_in_use(
    idle: float | None, begun: float, seen: float, is_alive: bool
) -> None:
    """contract.md 2: it began and was last seen so many seconds ago"""
    lifetime = Lifetime(settings(session_seconds=3600.0, session_idle_seconds=idle))
    assert lifetime.is_alive(record(begun_at=NOW - begun, seen_at=NOW - seen), NOW) is is_alive


@pytest.mark.parametrize(
    ("idle", "age", "kept_for"), [(None, 600, 3000), (None, 4000, 0), (600, 0, 661), (600, 3400, 200)]
)
def test_a_record_is_kept_until_its_session_has_ended(idle: float | None, age: float, kept_for: float) -> None:
    """contract.md 2: being seen is noted late by a tenth of the idle lifetime"""
    lifetime = Lifetime(settings(session_seconds=3600.0, session_idle_seconds=idle))
    assert lifetime.kept_for(record(begun_at=NOW - age), NOW) == pytest.approx(kept_for)


def test_a_saved_change_is_not_a_change_any_more() -> None:
    kept = record()
    kept["userinfo"] = {}
    kept.seen_again = True
    kept.settle()
    assert (kept.modified, kept.seen_again, kept.changed) == (False, False, set())


def test_it_is_known_what_was_changed() -> None:
    """threat model 243: of two requests each writes its own"""
    kept = record()
    kept["userinfo"] = {}
    del kept["access_token"]
    assert kept.changed == {"userinfo", "access_token"}


def test_a_record_comes_back_with_its_times() -> None:
    back = decode_record(encode_record(record(begun_at=NOW - 9, seen_at=NOW - 3), CLIENTS), CLIENTS)
    assert back is not None
    assert (dict(back), back.begun_at, back.seen_at, back.modified) == (VALUES, NOW - 9, NOW - 3, False)


@pytest.mark.parametrize(
    "clients",
    [
        {"default": "client2 at https://op.example"},
        {"default": "client1 at https://other.example"},
        {"other": CLIENTS["default"]},
        {},
    ],
    ids=["client", "issuer", "name", "gone"],
)
def test_a_record_is_good_for_its_client_only(clients: dict[str, str]) -> None:
    """threat model 235"""
    assert decode_record(encode_record(record(), CLIENTS), clients) is None


@pytest.mark.parametrize(
    "value",
    ["a" * MAX_RECORD_BYTES, [str(number) for number in range(100_000)]],
    ids=["a long text that compresses well", "a long list"],
)
def test_what_does_not_fit_is_an_error_of_its_own(value: Any) -> None:
    """threat model 165"""
    kept = record({**VALUES, "userinfo": {"claim": value}})
    with pytest.raises(SessionTooLarge):
        encode_record(kept, CLIENTS)


def test_claims_as_deep_as_a_provider_may_send_them_come_back() -> None:
    values = {**VALUES, "userinfo": {"claim": nested(MAX_DEPTH - 1)}}
    assert dict(decode_record(encode_record(record(values), CLIENTS), CLIENTS) or {}) == values


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        {1, 2},
        float("nan"),
        float("inf"),
        "\ud800",
        10**400,
        nested(40),
        nested(100_000),
        circle(),
    ],
    ids=["object", "bytes", "set", "NaN", "infinity", "surrogate", "long integer", "deep", "bottomless", "circle"],
)
def test_what_could_not_be_read_again_is_not_written(value: Any) -> None:
    """threat model 160, 165: it would be an error at every request to come"""
    kept = record({**VALUES, "userinfo": {"claim": value}})
    with pytest.raises(ConfigurationError, match="JSON"):
        encode_record(kept, CLIENTS)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        7,
        {},
        {**DOCUMENT, "values": None} | {"begun_at": None},
        {**DOCUMENT, "values": [1, 2]},
        {**DOCUMENT, "values": "text"},
        {**DOCUMENT, "values": 7},
        {**DOCUMENT, "begun_at": "yesterday"},
        {**DOCUMENT, "begun_at": []},
        {**DOCUMENT, "login_begun": [NOW]},
        {**DOCUMENT, "login_begun": [NOW, NOW]},
        {**DOCUMENT, "login_begun": ["yesterday", NOW, None]},
        {**DOCUMENT, "login_begun": [NOW, NOW, 7]},
        {name: value for name, value in DOCUMENT.items() if name != "session_id"},
        {name: value for name, value in DOCUMENT.items() if name != "seen_at"},
        {name: value for name, value in DOCUMENT.items() if name != "values"},
    ],
    ids=lambda document: json.dumps(document)[:60],
)
def test_a_record_of_another_version_is_not_a_session(document: Any) -> None:
    """threat model 160, 352: two versions share the secret while a new one is rolled out"""
    assert decode_record(zlib.compress(json.dumps(document).encode()), CLIENTS) is None


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\x00" * 1000, zlib.compress(b"\xff"), zlib.compress(b'{"values":{}}')[:-9]]
)
def test_sealed_bytes_that_are_not_a_record_are_not_a_session(data: bytes) -> None:
    """threat model 160"""
    assert decode_record(data, CLIENTS) is None


def test_a_record_is_not_inflated_without_bound() -> None:
    """threat model 222, 224"""
    document = json.dumps(DOCUMENT).encode()
    assert dict(decode_record(zlib.compress(document), CLIENTS) or {}) == VALUES
    bomb = zlib.compress(document[:-1] + b" " * 20_000_000 + b"}", 9)
    assert decode_record(bomb, CLIENTS) is None


def test_the_record_of_a_login_is_masked_in_what_a_debugger_shows() -> None:
    """threat model 251"""
    kept = record()
    assert "the-access-token" not in f"{kept!r} {kept}"
    assert "access_token" in repr(kept)


def test_a_refresh_leaves_nothing_stale() -> None:
    user = UserSession(record({}), "default")
    user.update(access_token="first", expires_in=60, id_token={"sub": "alice", "auth_time": NOW - 50}, now=NOW)
    user.update(access_token="second", now=NOW + 100)
    assert (user.access_token, user.access_token_expires_at) == ("second", None)
    assert user.last_authenticated == NOW - 50


def test_an_id_token_replaces_the_one_before_in_either_form() -> None:
    user = UserSession(record({}), "default")
    user.update(id_token={"sub": "alice"}, now=NOW)
    user.update(id_token_jwt="eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2ln", now=NOW)
    assert user.id_token == {"sub": "bob"}
    user.update(id_token={"sub": "carol"}, now=NOW)
    assert (user.id_token, user.id_token_jwt) == ({"sub": "carol"}, None)


def test_nothing_is_pickled() -> None:
    """threat model 174"""
    package = Path(oidc_async.__file__).parent
    sources = [path.read_text() for path in package.rglob("*.py")]
    assert len(sources) > 50
    assert [text for text in sources if re.search(r"\b(c?pickle|marshal|shelve|dill)\b", text)] == []
