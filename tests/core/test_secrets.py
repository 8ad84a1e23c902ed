"""Whatever goes wrong, no secret shows: in no message, repr, evidence, traceback or log (threat model 250 to 253)."""

import logging
import traceback
from base64 import b64encode
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

import pytest

from oidc_async.errors import OIDCError
from oidc_async.relying_party.login import PendingLogin
from oidc_async.testing import ALL_FAULTS, Fault, Misbehaviour
from tests.core.realm import SECRET, Realm, new_realm, served
from tests.core.worlds import World
from tests.sampling import thinned


@pytest.fixture
def realm(either_world: World) -> Realm:
    return new_realm(either_world)


@pytest.fixture
def over_http(either_world: World) -> Iterator[Realm]:
    with served(either_world) as realm:
        yield realm


def secrets_of(realm: Realm, *pending: PendingLogin) -> set[str]:
    """Everything that must never show, in each form in which it travels."""
    registry = realm.provider._registry
    tokens = {*registry.access_tokens, *registry.refresh_tokens, *registry.id_tokens}
    segments = {segment for token in registry.id_tokens for segment in token.split(".")[1:3]}
    basic = b64encode(f"client1:{quote_plus(SECRET)}".encode()).decode()
    known = {
        SECRET,
        quote(SECRET),
        quote_plus(SECRET),
        basic,
        *registry.codes,
        *registry.spent_codes,
        *tokens,
        *segments,
    }
    known |= {secret for login in pending for secret in (login.state, login.nonce, login.code_verifier)}
    return {secret for secret in known if len(secret) > 15}


def shown(secrets: Collection[str], *texts: str) -> list[str]:
    return [secret for secret in secrets if any(secret in text for text in texts)]


def texts_of(error: BaseException) -> list[str]:
    """All that a careless program may print of an exception."""
    texts = ["".join(traceback.format_exception(error))]
    link: BaseException | None = error
    while link is not None:
        texts.append(f"{link!r} {link} {vars(link)}")
        link = link.__cause__ or link.__context__
    return texts


def meet(realm: Realm, fault: Misbehaviour) -> tuple[list[PendingLogin], list[str]]:
    """A login that meets the fault: the pending login if it came so far, and what can be printed of the outcome."""
    pending: list[PendingLogin] = []
    texts: list[str] = []
    with realm.provider.misbehaving(fault):
        try:
            begun = realm.begin(scope="openid offline_access", **fault.needs)
            pending.append(begun.pending)
            texts.append(repr(begun))
            login = realm.complete(begun.pending, realm.provider.authorize(begun.url))
            texts += [repr(login), str(login.tokens), f"{login.tokens!r}"]
        except OIDCError as error:
            texts += texts_of(error)
    return pending, texts


def test_no_secret_shows_whatever_goes_wrong(either_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 250, 251, 252: in no message, repr, evidence, traceback or log record of any logger."""
    caplog.set_level(logging.DEBUG)
    for fault in thinned(ALL_FAULTS):
        realm = new_realm(either_world, alg=fault.needs_alg)
        caplog.clear()
        pending, texts = meet(realm, fault)
        logged = [record.getMessage() + str(record.exc_text) for record in caplog.records]
        found = shown(secrets_of(realm, *pending), *texts, *logged, repr(realm.party), repr(vars(realm.party)))
        assert (fault.name, found) == (fault.name, [])


def test_no_secret_is_logged_by_a_login_over_http(over_http: Realm, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 252, 253: nor by the HTTP library, which logs each step of a request."""
    caplog.set_level(logging.DEBUG)
    pending, _ = meet(over_http, Fault.ANY_COOKIE)
    logged = [record.getMessage() for record in caplog.records]
    assert len(over_http.provider._registry.id_tokens) == 1
    assert [text for text in logged if "send_request_headers" in text]
    assert shown(secrets_of(over_http, *pending), *logged) == []


def test_no_secret_shows_in_the_text_of_a_login(realm: Realm) -> None:
    """threat model 251."""
    begun = realm.begin(scope="openid offline_access")
    login = realm.complete(begun.pending, realm.provider.authorize(begun.url))
    assert shown(secrets_of(realm, begun.pending), repr(begun), repr(begun.pending), repr(login), str(login)) == []
    assert "alice" not in repr(login)
