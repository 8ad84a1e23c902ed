"""A login with a refresh token, and its refreshes, in either world."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from oidc_async import RelyingParty
from oidc_async.errors import OIDCError
from oidc_async.relying_party.login import Login
from oidc_async.relying_party.refresh_responses import Refresh
from oidc_async.testing import SimulatedProvider
from tests.core.realm import Realm, new_provider, new_realm
from tests.core.worlds import World

SCOPE = "openid email offline_access"


@dataclass
class Refreshing:
    """A realm whose user has logged in."""

    realm: Realm
    login: Login = field(repr=False)

    @property
    def provider(self) -> SimulatedProvider:
        return self.realm.provider

    @property
    def token(self) -> str:
        """The refresh token of the login."""
        assert self.login.tokens.refresh_token is not None
        return self.login.tokens.refresh_token

    async def refreshing(self, token: str | None = None) -> Refresh:
        return await self.checking(token or self.token, self.login.id_token)

    async def checking(self, token: str, id_token: Mapping[str, Any] | None) -> Refresh:
        party = self.realm.party
        if isinstance(party, RelyingParty):
            return party.refresh(token, id_token=id_token)
        return await party.refresh(token, id_token=id_token)

    def refresh(self, token: str | None = None) -> Refresh:
        return self.realm.world.run(self.refreshing(token))

    def rejection(self, token: str | None = None) -> OIDCError:
        """Why the refresh fails."""
        with pytest.raises(OIDCError) as caught:
            self.refresh(token)
        return caught.value

    def asked(self) -> int:
        """How many refresh requests reached the provider."""
        return self.provider.count("token", grant_type="refresh_token")

    def together(self, number: int) -> list[Refresh | BaseException]:
        """What comes of so many refreshes at the same time, with the refresh token of the login."""
        return self.realm.world.run_together([self.refreshing] * number)

    def elsewhere(self, **options: Any) -> "Refreshing":
        """The same login in another process, which shares no memory with the first one."""
        return replace(self, realm=new_realm(self.realm.world, self.provider, **options))


def logged_in(world: World, provider: SimulatedProvider | None = None, **options: Any) -> Refreshing:
    """`options` are those of new_realm."""
    realm = new_realm(world, provider or new_provider(), **options)
    return Refreshing(realm, realm.log_in(scope=SCOPE))


def tokens_of(outcomes: list[Refresh | BaseException]) -> set[str]:
    """The access tokens that these brought; each of them brought one."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return {outcome.tokens.access_token for outcome in outcomes if isinstance(outcome, Refresh)}
