"""Whose pages may use the session in a WebSocket, by the settings. threat model 384."""

from typing import Any

import pytest

from oidc_async import ConfigurationError
from oidc_async.web.configured_uris import read_origins
from oidc_async.web.websockets import is_allowed_origin


def origins(value: Any = None, redirect_uri: str = "https://rp.example/redirect_uri") -> frozenset[str]:
    return read_origins({"OIDC_WEBSOCKET_ORIGINS": value}, redirect_uri)


@pytest.mark.parametrize(
    ("redirect_uri", "origin"),
    [
        ("https://rp.example/redirect_uri", "https://rp.example"),
        ("https://rp.example:443/app/redirect_uri", "https://rp.example"),
        ("https://RP.example:8443/redirect_uri", "https://rp.example:8443"),
        ("http://localhost:5000/redirect_uri", "http://localhost:5000"),
        ("http://[::1]:5000/redirect_uri", "http://[::1]:5000"),
    ],
)
def test_that_of_the_redirect_uri_is_allowed_as_browsers_send_it(redirect_uri: str, origin: str) -> None:
    assert origins(None, redirect_uri) == {origin}


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_others_are_allowed_beside_it(kind: type) -> None:
    named = kind(["https://www.example:8443", "http://localhost:3000"])
    assert origins(named) == {"https://rp.example", "https://www.example:8443", "http://localhost:3000"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://www.example", "must be a list"),
        ({"https://www.example": 1}, "must be a list"),
        (5, "must be a list"),
        (["*"], "Wildcards are not supported"),
        (["https://*.example"], "Wildcards are not supported"),
        (["https://*"], "Wildcards are not supported"),
        (["null"], "must be an absolute https URL"),
        ([None], "must be a URL"),
        ([""], "must be a URL"),
        (["www.example"], "must be an absolute https URL"),
        (["wss://www.example"], "must be an absolute https URL"),
        (["http://www.example"], "must use https"),
        (["https://user@www.example"], "must not contain credentials"),
        (["https://www.example/"], "'https://www.example'"),
        (["https://www.example/path"], "'https://www.example'"),
        (["https://www.example?a"], "'https://www.example'"),
        (["https://www.example:443"], "'https://www.example'"),
        (["https://WWW.example"], "'https://www.example'"),
        (["https://good.example", "https://www.example/"], "'https://www.example'"),
    ],
    ids=repr,
)
def test_a_value_that_is_not_an_origin_is_rejected_at_start(value: Any, told: str) -> None:
    """threat model 384"""
    with pytest.raises(ConfigurationError) as caught:
        origins(value)
    assert "OIDC_WEBSOCKET_ORIGINS" in caught.value.message
    assert told in caught.value.message


@pytest.mark.parametrize("sent", [None, "", "null", "https://rp.example/", "https://RP.example", "*"])
def test_any_other_text_is_another_origin(sent: str | None) -> None:
    """threat model 377, 378"""
    assert not is_allowed_origin({} if sent is None else {"origin": sent}, origins())
    assert is_allowed_origin({"origin": "https://rp.example"}, origins())
