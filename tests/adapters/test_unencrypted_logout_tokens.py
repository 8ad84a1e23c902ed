"""Logout tokens for a client whose ID tokens are encrypted: what is logged, and what a setting accepts."""

import logging
from typing import Any

import pytest

from oidc_async import ClientMetadata
from oidc_async.testing import Fault, Misbehaviour, SimulatedProvider

from .cookie_jar import is_anonymous, logged_in
from .provider_logout import MakeSite, back_site, end, require_rejected
from .site import REDIRECT_URI, Site

SESSIONS_IN = ("memory",)
ENCRYPTED: dict[str, Any] = {"id_token_encrypted_response_alg": "dir"}
SECRET = "a client secret of 32 bytes, or more than that"
SIGNED_ONLY = Fault.ENCRYPTION_MISSING


def encrypting(make_site: MakeSite, registered: dict[str, Any] = ENCRYPTED, **settings: Any) -> Site:
    provider = SimulatedProvider()
    provider.register("client1", SECRET, redirect_uris=[REDIRECT_URI], **registered)
    provider.add_user("alice")
    client = ClientMetadata("client1", SECRET, **ENCRYPTED)
    return back_site(make_site, providers={"default": provider}, client_metadata=client, **settings)


WRONG = {
    "signed only": (SIGNED_ONLY, ["not encrypted", "accept_unencrypted_logout_tokens"]),
    "changed": (Fault.ENCRYPTION_TAG_CHANGED, ["decrypted"]),
}


@pytest.mark.parametrize(("fault", "words"), WRONG.values(), ids=WRONG)
def test_the_log_says_what_is_wrong_with_the_encryption(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, fault: Misbehaviour, words: list[str]
) -> None:
    """threat model 401: and neither iss nor aud is blamed."""
    site = encrypting(make_site)
    browser = logged_in(site)
    with caplog.at_level(logging.WARNING), site.provider.misbehaving(fault):
        said = require_rejected(end(site))
    assert [word for word in words if word not in said or word not in caplog.text] == []
    assert "aud" not in caplog.text
    assert not is_anonymous(browser)


def test_signed_ones_are_accepted_by_a_setting(make_site: MakeSite) -> None:
    site = encrypting(make_site, accept_unencrypted_logout_tokens=True)
    for faults in ((), (SIGNED_ONLY,)):
        browser = logged_in(site)
        with site.provider.misbehaving(*faults):
            assert end(site).status_code == 200
        assert is_anonymous(browser)


@pytest.mark.parametrize(
    ("fault", "word"),
    [(Fault.LOGOUT_TOKEN_AUD_OTHER, "aud"), (Fault.LOGOUT_TOKEN_ALG_NONE, "alg")],
    ids=lambda value: str(value),
)
def test_a_setting_accepts_no_other_ones(make_site: MakeSite, fault: Misbehaviour, word: str) -> None:
    """threat model 401."""
    site = encrypting(make_site, accept_unencrypted_logout_tokens=True)
    browser = logged_in(site)
    with site.provider.misbehaving(SIGNED_ONLY, fault):
        assert word in require_rejected(end(site))
    assert not is_anonymous(browser)
