"""The simulated provider ends sessions without a browser, and its faults strike what it tells about that."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from oidc_async.testing import LOGOUT_FAULTS, Fault, Misbehaviour, SimulatedProvider

from .conftest import SECRET
from .mini_relying_party import REDIRECT_URI, MiniRelyingParty, segment, verify

EVENT = "http://schemas.openid.net/event/backchannel-logout"
BACK, FRONT = "https://rp.example/back", "https://rp.example/front"


def sid_of(rp: MiniRelyingParty, provider: SimulatedProvider) -> str:
    """That of a fresh login of alice."""
    return str(rp.log_in(provider).claims["sid"])


def test_a_logout_token_tells_who_and_which_session(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """OIDC Back-Channel Logout 2.4"""
    sid = sid_of(rp, provider)
    token = provider.logout_token("client1", "alice")
    verify(token, rp.published("RS256"))
    assert segment(token, 0)["typ"] == "logout+jwt"
    claims = segment(token, 1)
    now = int(provider.clock())
    assert claims == {
        "iss": provider.issuer,
        "aud": "client1",
        "iat": now,
        "exp": now + 120,
        "jti": claims["jti"],
        "events": {EVENT: {}},
        "sub": "alice",
        "sid": sid,
    }
    assert segment(provider.logout_token("client1", "alice"), 1)["jti"] != claims["jti"]


def test_it_may_tell_one_of_them_only(provider: SimulatedProvider) -> None:
    provider.sign_in("alice")
    about_a_user = segment(provider.logout_token("client1", "alice", sid=False), 1)
    about_a_session = segment(provider.logout_token("client1", "alice", sub=False), 1)
    assert ("sub" in about_a_user, "sid" in about_a_user) == (True, False)
    assert ("sub" in about_a_session, "sid" in about_a_session) == (False, True)


def test_it_may_tell_anything(provider: SimulatedProvider) -> None:
    token = provider.logout_token("client1", "alice", sid=False, claims={"aud": ["a"]}, header={"typ": "JWT"})
    assert (segment(token, 0)["typ"], segment(token, 1)["aud"]) == ("JWT", ["a"])


def test_nobody_is_not_told_about(provider: SimulatedProvider) -> None:
    with pytest.raises(KeyError, match="sign_in"):
        provider.logout_token("client1", "alice")
    with pytest.raises(KeyError, match="add_user"):
        provider.logout_token("client1", "mallory", sid=False)


def test_a_logout_reaches_those_who_took_part_and_asked_for_it(
    provider: SimulatedProvider, rp: MiniRelyingParty
) -> None:
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], backchannel_logout_uri=BACK)
    provider.register("other", "secret of another", backchannel_logout_uri="https://other.example/back")
    sid = sid_of(rp, provider)
    posted = provider.log_out("alice", lambda uri, form: (uri, form))
    ((uri, form),) = posted
    assert (uri, list(form)) == (BACK, ["logout_token"])
    assert segment(form["logout_token"], 1)["sid"] == sid
    with pytest.raises(KeyError, match="sign_in"):
        provider.log_out("alice", lambda uri, form: None)


def test_frames_carry_the_issuer_and_the_session(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    """OIDC Front-Channel Logout 3"""
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], frontchannel_logout_uri=FRONT)
    sid = sid_of(rp, provider)
    (url,) = provider.frontchannel_logout_urls("alice")
    assert url.startswith(f"{FRONT}?")
    assert dict(parse_qsl(urlsplit(url).query)) == {"iss": provider.issuer, "sid": sid}


def test_without_an_address_nobody_is_notified(provider: SimulatedProvider, rp: MiniRelyingParty) -> None:
    sid_of(rp, provider)
    assert provider.frontchannel_logout_urls("alice") == []
    assert provider.log_out("alice", lambda uri, form: uri) == []


@pytest.mark.parametrize("fault", LOGOUT_FAULTS, ids=str)
def test_a_fault_strikes_logout_tokens_while_it_lasts(provider: SimulatedProvider, fault: Misbehaviour) -> None:
    """And nothing else: what is the same in all tokens of a user differs."""
    provider.sign_in("alice")

    def issue() -> str:
        # the jti apart, two tokens of one second are equal
        return provider.logout_token("client1", "alice", claims={"jti": "token 1"})

    good = issue()
    with provider.misbehaving(fault):
        assert issue() != good
    assert issue() == good


def test_every_row_of_the_table_has_a_fault() -> None:
    """threat model 175 to 184"""
    names = {fault.name for fault in LOGOUT_FAULTS}
    kinds = ("ALG", "OTHER_ALGORITHM", "ISS", "AUD", "EXP", "IAT", "EVENTS", "NONCE", "SUB_AND_SID", "JTI", "TYP")
    missing = [kind for kind in (*kinds, "ID_TOKEN") if not any(f"LOGOUT_TOKEN_{kind}" in name for name in names)]
    assert missing == []


def test_an_id_token_is_one_in_all_but_its_name(provider: SimulatedProvider) -> None:
    """threat model 183"""
    provider.sign_in("alice")
    with provider.misbehaving(Fault.LOGOUT_TOKEN_ID_TOKEN):
        claims = segment(provider.logout_token("client1", "alice"), 1)
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "sid", "auth_time", "nonce"}
