"""Every fault shows; harmless ones disturb no naive client; and they come and go as told."""

import secrets
from dataclasses import asdict
from typing import Any

import pytest

from oidc_async.testing import (
    ALL_FAULTS,
    API_FAULTS,
    ENCRYPTION_FAULTS,
    FRONT_CHANNEL_FAULTS,
    LOGOUT_FAULTS,
    REFRESH_FAULTS,
    SIGNED_USERINFO_FAULTS,
    Clock,
    Fault,
    Misbehaviour,
    SimulatedProvider,
)

from .conftest import SECRET
from .mini_relying_party import REDIRECT_URI, MiniRelyingParty

HARMLESS = [fault for fault in ALL_FAULTS if fault.harmless]
every_fault = pytest.mark.parametrize("fault", [*ALL_FAULTS, *FRONT_CHANNEL_FAULTS], ids=str)


def transcript(*faults: Misbehaviour, like: Misbehaviour) -> list[Any]:
    """All that a relying party sees when it continues whatever comes, asking as the fault `like` needs it."""
    provider = SimulatedProvider(clock=Clock(start=1_700_000_000.5))
    provider.register(
        "client1",
        SECRET,
        redirect_uris=[REDIRECT_URI],
        response_types=[like.needs.get("response_type", "code")],
        id_token_signed_response_alg=like.needs_alg,
    )
    provider.add_user("alice")
    rp = MiniRelyingParty(provider.handle, provider.issuer, client_secret=SECRET, scope="openid email")
    rp.parameters.update(like.needs)
    with provider.misbehaving(*faults):
        metadata, jwks = rp.get("/.well-known/openid-configuration"), rp.get("/jwks")
        callback = provider.authorize(rp.authorization_url())
        tokens = rp.ask_for_tokens({**rp.code_form(callback), "code": secrets.token_urlsafe(32)})
        userinfo = rp.ask_who(secrets.token_urlsafe(32))
    return [asdict(response) for response in (metadata, jwks, tokens, userinfo)] + [asdict(callback)]


@pytest.fixture
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is random is always the same."""
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: f"random-{size}-of-the-tests")


@pytest.mark.usefixtures("no_chance")
def test_without_faults_nothing_differs() -> None:
    assert transcript(like=Fault.ANY_COOKIE) == transcript(like=Fault.ANY_COOKIE)


@pytest.mark.usefixtures("no_chance")
@every_fault
def test_a_fault_shows(fault: Misbehaviour) -> None:
    assert transcript(fault, like=fault) != transcript(like=fault)


@pytest.mark.usefixtures("no_chance")
def test_a_login_does_not_meet_the_faults_of_refreshes_api_calls_and_logouts() -> None:
    """Except for the key set that comes with one of them."""
    others = (*REFRESH_FAULTS, *API_FAULTS, *LOGOUT_FAULTS)
    faults = [fault for fault in others if fault is not Fault.ACCESS_TOKEN_HS256_PUBLISHED_KEY]
    seen, undisturbed = transcript(*faults, like=Fault.ANY_COOKIE), transcript(like=Fault.ANY_COOKIE)
    assert seen == undisturbed
    assert {fault.exchange for fault in ALL_FAULTS} == {"login"}
    assert {fault.exchange for fault in API_FAULTS} == {"introspection", "signed_introspection", "access_token"}


@pytest.mark.parametrize("fault", HARMLESS, ids=str)
def test_a_harmless_fault_disturbs_no_naive_client(
    fault: Misbehaviour, provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    with provider.misbehaving(fault):
        if fault.only_once:
            with pytest.raises((AssertionError, StopIteration)):
                rp.log_in(provider)
        assert rp.log_in(provider).claims["sub"] == "alice"


def test_each_fault_has_a_name_a_description_and_one_outcome() -> None:
    assert len(ALL_FAULTS) > 300
    assert len(API_FAULTS) > 200
    assert len(FRONT_CHANNEL_FAULTS) > 40
    faults = [
        *ALL_FAULTS,
        *FRONT_CHANNEL_FAULTS,
        *REFRESH_FAULTS,
        *API_FAULTS,
        *LOGOUT_FAULTS,
        *ENCRYPTION_FAULTS,
        *SIGNED_USERINFO_FAULTS,
    ]
    assert len({fault.name for fault in faults}) == len(faults)
    for fault in faults:
        assert getattr(Fault, fault.name) is fault
        assert fault.name.lower() == str(fault)
        assert fault.does
        assert [fault.rejected, fault.harmless, fault.outcome == "either"].count(True) == 1


def test_faults_add_up(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with provider.misbehaving(Fault.ID_TOKEN_AUD_LIST, Fault.TOKEN_SCOPE_MISSING):
        with provider.misbehaving(Fault.ID_TOKEN_TYP_MISSING):
            login = rp.log_in(provider)
            assert (login.claims["aud"], "scope" in login.tokens) == (["client1"], False)
        login = rp.log_in(provider)
        assert (login.claims["aud"], "scope" in login.tokens) == (["client1"], False)
    login = rp.log_in(provider)
    assert (login.claims["aud"], "scope" in login.tokens) == ("client1", True)


def test_a_fault_may_strike_so_many_times(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with provider.misbehaving(Fault.JWKS_500, times=2):
        assert [rp.get("/jwks").status for _ in range(4)] == [500, 500, 200, 200]


def test_a_fault_ends_though_its_block_fails(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    with pytest.raises(ZeroDivisionError), provider.misbehaving(Fault.JWKS_500):
        1 / 0  # noqa: B018 - to fail
    assert rp.get("/jwks").status == 200
