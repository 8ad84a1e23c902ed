"""revoke(): tokens that are no longer needed are revoked at the provider (RFC 7009)."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from oidc_async import ClientMetadata, RelyingParty
from oidc_async.errors import OAuthError, OIDCError, ProviderUnreachable
from oidc_async.testing import Fault, Misbehaviour
from oidc_async.testing.faults.documents import without
from oidc_async.testing.faults.responses import error, reset
from oidc_async.testing.stages import ANY_REPLY, DISCOVERY, harmless, rejected
from tests.core.realm import REDIRECT_URI, SECRET, new_provider, new_realm
from tests.core.refreshing import Refreshing, logged_in
from tests.core.worlds import World

NO_ENDPOINT = harmless("no place to ask", DISCOVERY(without("revocation_endpoint")))


@pytest.fixture
def user(either_world: World) -> Refreshing:
    return logged_in(either_world)


def revoke(user: Refreshing, token: str, **options: str) -> bool:
    async def revoking() -> bool:
        party = user.realm.party
        if isinstance(party, RelyingParty):
            return party.revoke(token, **options)
        return await party.revoke(token, **options)

    return user.realm.world.run(revoking())


def test_a_revoked_refresh_token_refreshes_nothing(user: Refreshing) -> None:
    assert revoke(user, user.token) is True
    assert isinstance(user.rejection(), OAuthError)
    sent = next(seen for seen in user.provider.requests if seen.endpoint == "revocation")
    assert (sent.client_id, sent.form_names) == ("client1", ("token", "token_type_hint"))


def test_a_revoked_access_token_is_invalid_and_the_login_continues(user: Refreshing) -> None:
    token = user.login.tokens.access_token
    assert revoke(user, token, token_type_hint="access_token") is True
    assert token not in user.provider._registry.access_tokens
    assert user.refresh().tokens.access_token


def test_what_the_provider_does_not_know_is_revoked_already(user: Refreshing) -> None:
    """RFC 7009 2.2"""
    assert revoke(user, "unknown") is True
    assert revoke(user, user.token) is True
    assert revoke(user, user.token) is True


def test_where_there_is_no_place_to_ask_nobody_is_asked(either_world: World) -> None:
    provider = new_provider()
    with provider.misbehaving(NO_ENDPOINT):
        user = logged_in(either_world, provider)
        provider.forget_requests()
        assert revoke(user, user.token) is False
    assert provider.requests == ()


def test_a_public_client_may_revoke_its_own(either_world: World) -> None:
    provider = new_provider()
    provider.register("public", redirect_uris=[REDIRECT_URI])
    client = ClientMetadata("public", token_endpoint_auth_method="none")
    user = logged_in(either_world, provider, client_metadata=client)
    assert revoke(user, user.token) is True
    assert isinstance(user.rejection(), OAuthError)


def test_the_token_of_another_client_is_not_revoked(user: Refreshing) -> None:
    """RFC 7009 2.1"""
    user.provider.register("client2", SECRET, redirect_uris=[REDIRECT_URI])
    client = ClientMetadata("client2", SECRET)
    other = replace(user, realm=new_realm(user.realm.world, user.provider, client_metadata=client))
    with pytest.raises(OAuthError, match="invalid_grant"):
        revoke(other, user.token)
    assert user.refresh().tokens.access_token


DOWN = rejected("nobody answers", ANY_REPLY(reset))
BROKEN = rejected("status 500", ANY_REPLY(error("server_error", status=500)))
WRONG_CLIENT = rejected("invalid_client", ANY_REPLY(error("invalid_client", status=401)))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(DOWN, ProviderUnreachable), (BROKEN, ProviderUnreachable), (WRONG_CLIENT, OAuthError)],
    ids=lambda value: getattr(value, "does", ""),
)
def test_a_failure_does_not_show_the_token(
    user: Refreshing, fault: Misbehaviour, kind: type[OIDCError], caplog: pytest.LogCaptureFixture
) -> None:
    """threat model 250"""
    with (
        caplog.at_level(logging.DEBUG),
        user.provider.misbehaving(fault),
        pytest.raises(kind) as caught,
    ):
        revoke(user, user.token)
    told: list[Any] = [caught.value, caught.value.evidence, vars(caught.value)]
    assert user.token not in caplog.text + "".join(map(repr, told)) + str(caught.value)


def test_other_faults_of_the_provider_do_not_matter(user: Refreshing) -> None:
    with user.provider.misbehaving(Fault.TOKEN_500, Fault.USERINFO_500, Fault.ANY_COOKIE):
        assert revoke(user, user.token) is True
