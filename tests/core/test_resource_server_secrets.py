"""Whatever goes wrong with a token at an API, it shows nowhere: threat model 132, 250 to 253."""

import logging
from typing import Any

import pytest

from oidc_async.errors import OIDCError
from oidc_async.protocol.access_grant import Access, Requirements
from oidc_async.testing import API_FAULTS
from tests.core.api import API, SECRET, api_for, new_api, new_provider
from tests.core.test_secrets import shown, texts_of
from tests.core.worlds import World
from tests.sampling import thinned

CANARY = "canary-in-every-token-and-claim"
REQUIREMENTS = Requirements(scopes=frozenset({"admin"}), acr_values=("gold",), max_age=1)


def secrets_of(api: API, *tokens: str) -> set[str]:
    """The tokens, the parts of those that are JWTs, and what we ask with."""
    known = {*tokens, *api.provider._registry.access_tokens, SECRET, CANARY}
    parts = {part for token in known for part in token.split(".")[1:3]}
    return {secret for secret in known | parts if len(secret) > 15}


def outcomes_of(api: API, token: str) -> list[str]:
    """All that can be printed of what comes of a token: at first sight, known, and held against requirements."""
    texts: list[str] = []
    for requirements in (Requirements(), Requirements(), REQUIREMENTS):
        try:
            access = api.verify(token, requirements)
            texts += [repr(access), str(access)]
        except OIDCError as error:
            texts += texts_of(error)
    return [*texts, repr(api.server), repr(api.statistics), repr(api.server.known(token)), *insides_of(api)]


def insides_of(api: API) -> list[str]:
    """What a debugger shows first. The claims are kept, so the canary of those may be in the cache."""
    server: Any = getattr(api.server, "_origin", api.server)
    return [repr(vars(server)), repr(vars(server._introspection)), repr(vars(server._counters)), repr(server._cache)]


@pytest.mark.parametrize("verification", ["introspection", "jwt", "auto"])
def test_no_token_shows_whatever_goes_wrong(
    either_world: World, verification: str, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 250, 251, 252: in no message, repr, evidence, traceback or log record of any logger."""
    caplog.set_level(logging.DEBUG)
    for fault in thinned(API_FAULTS):
        jwt = fault.exchange == "access_token"
        if jwt == (verification == "introspection"):
            continue
        api = api_for(either_world, fault, verification)
        caplog.clear()
        with api.provider.misbehaving(fault):
            token = api.issue(jwt=jwt, claims={"note": CANARY})
            texts = outcomes_of(api, token)
        logged = [record.getMessage() + str(record.exc_text) for record in caplog.records]
        assert (fault.name, shown(secrets_of(api, token), *texts, *logged)) == (fault.name, [])


@pytest.mark.parametrize("behind", ["\ud800", f".{CANARY}.{CANARY}", "&x=1", "\r\n"], ids=ascii)
@pytest.mark.parametrize("verification", ["introspection", "jwt", "auto"])
def test_nothing_of_a_malformed_token_shows(
    either_world: World, behind: str, verification: str, caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 143, 250."""
    caplog.set_level(logging.DEBUG)
    api = new_api(either_world, audience="api", access_token_verification=verification)
    texts = outcomes_of(api, CANARY + behind)
    logged = [record.getMessage() for record in caplog.records]
    assert [text for text in [*texts, *logged] if CANARY in text] == []


def test_no_subject_is_in_the_text_of_an_access(either_world: World) -> None:
    """threat model 251."""
    api = new_api(either_world)
    access = api.verify(api.issue())
    assert isinstance(access, Access)
    assert "alice" not in f"{access!r} {access}"


def test_no_token_is_logged_over_http(either_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """threat model 252, 253: nor by a library on the way."""
    caplog.set_level(logging.DEBUG)
    provider = new_provider()
    with provider.serve(login_page=False):
        runtime = either_world.runtime(clock=provider.clock, monotonic=provider.clock.monotonic)
        api = new_api(either_world, provider, runtime=runtime)
        token = api.issue()
        api.verify(token)
        either_world.close_runtime(runtime)
    assert api.asked() == 1
    assert shown(secrets_of(api, token), *[record.getMessage() for record in caplog.records]) == []
