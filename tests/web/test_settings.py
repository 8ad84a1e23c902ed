"""The settings of an application: valid values, defaults, and the messages about mistakes."""

import logging
import re
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oidc_async import ConfigurationError, HttpSettings, ProviderConfiguration, RedirectUriConfig
from oidc_async.web.settings import KNOWN, Settings, read_settings

SECRET = "s" * 16
REDIRECT_URI = "https://rp.example/redirect_uri"
DAY = 86_400
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def settings(**config: Any) -> Settings:
    return read_settings({"SECRET_KEY": SECRET, "OIDC_REDIRECT_URI": REDIRECT_URI, **config}, None)


def rejected(**config: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(**config)
    assert isinstance(caught.value, ValueError)
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("redirect_uri", RedirectUriConfig(REDIRECT_URI, "redirect_uri")),
        ("secret_keys", (SECRET.encode(),)),
        ("session_permanent", True),
        ("session_seconds", 31 * DAY),
        ("session_idle_seconds", None),
        ("clock_skew", 30),
        ("login_seconds", 600),
        ("rfc6750_status", False),
        ("bearer_in_body", False),
        ("resource", None),
        ("jwks_uri", None),
        ("initiate_login_uri", None),
        ("token_cache_seconds", 60),
        ("token_cache_refused_seconds", 5),
        ("token_cache_entries", 100_000),
    ],
)
def test_by_default(name: str, expected: object) -> None:
    assert getattr(settings(), name) == expected


@pytest.mark.parametrize(
    ("config", "name", "expected"),
    [
        pytest.param({"SECRET_KEY": b"b" * 16}, "secret_keys", (b"b" * 16,), id="SECRET_KEY-bytes"),
        pytest.param(
            {"SECRET_KEY_FALLBACKS": ["f" * 16, b"g" * 20]},
            "secret_keys",
            (SECRET.encode(), b"f" * 16, b"g" * 20),
            id="SECRET_KEY_FALLBACKS",
        ),
        pytest.param({"SECRET_KEY_FALLBACKS": None}, "secret_keys", (SECRET.encode(),), id="FALLBACKS-None"),
        pytest.param({"SECRET_KEY_FALLBACKS": ()}, "secret_keys", (SECRET.encode(),), id="FALLBACKS-empty"),
        pytest.param({"OIDC_SESSION_PERMANENT": False}, "session_permanent", False, id="SESSION_PERMANENT"),
        pytest.param({"PERMANENT_SESSION_LIFETIME": timedelta(days=2)}, "session_seconds", 2 * DAY, id="timedelta"),
        pytest.param({"PERMANENT_SESSION_LIFETIME": 3600}, "session_seconds", 3600, id="lifetime-in-seconds"),
        pytest.param(
            {"OIDC_SESSION_SECONDS": 60, "PERMANENT_SESSION_LIFETIME": 3600}, "session_seconds", 60, id="ours-first"
        ),
        pytest.param(
            {"OIDC_SESSION_SECONDS": 60, "PERMANENT_SESSION_LIFETIME": "?"}, "session_seconds", 60, id="ours-only"
        ),
        pytest.param({"OIDC_SESSION_SECONDS": timedelta(hours=8)}, "session_seconds", 8 * 3600, id="SESSION_SECONDS"),
        pytest.param({"OIDC_SESSION_IDLE_SECONDS": 900}, "session_idle_seconds", 900, id="IDLE_SECONDS"),
        pytest.param({"OIDC_SESSION_IDLE_SECONDS": timedelta(minutes=5)}, "session_idle_seconds", 300, id="IDLE-dt"),
        pytest.param({"OIDC_SESSION_IDLE_SECONDS": None}, "session_idle_seconds", None, id="IDLE-None"),
        pytest.param({"OIDC_CLOCK_SKEW": 0}, "clock_skew", 0, id="CLOCK_SKEW-0"),
        pytest.param({"OIDC_CLOCK_SKEW": 2.5}, "clock_skew", 2.5, id="CLOCK_SKEW-fraction"),
        pytest.param({"OIDC_CLOCK_SKEW": timedelta(seconds=5)}, "clock_skew", 5, id="CLOCK_SKEW-timedelta"),
        pytest.param({"OIDC_LOGIN_SECONDS": 120}, "login_seconds", 120, id="LOGIN_SECONDS"),
        pytest.param({"OIDC_LOGIN_SECONDS": None}, "login_seconds", 600, id="None-is-not-set"),
        pytest.param({"OIDC_RFC6750_STATUS": True}, "rfc6750_status", True, id="RFC6750_STATUS"),
        pytest.param({"OIDC_BEARER_IN_BODY": True}, "bearer_in_body", True, id="BEARER_IN_BODY"),
        pytest.param(
            {"OIDC_RESOURCE": "https://rp.example/api"}, "resource", "https://rp.example/api", id="RESOURCE"
        ),
        pytest.param({"OIDC_TOKEN_CACHE_SECONDS": 0}, "token_cache_seconds", 0, id="CACHE_SECONDS-0"),
        pytest.param({"OIDC_TOKEN_CACHE_SECONDS": timedelta(minutes=5)}, "token_cache_seconds", 300, id="CACHE-dt"),
        pytest.param({"OIDC_TOKEN_CACHE_REFUSED_SECONDS": 0}, "token_cache_refused_seconds", 0, id="REJECTED-0"),
        pytest.param({"OIDC_TOKEN_CACHE_REFUSED_SECONDS": 2.5}, "token_cache_refused_seconds", 2.5, id="REJECTED"),
        pytest.param({"OIDC_TOKEN_CACHE_ENTRIES": 1}, "token_cache_entries", 1, id="CACHE_ENTRIES"),
        pytest.param({"OIDC_TOKEN_CACHE_ENTRIES": None}, "token_cache_entries", 100_000, id="ENTRIES-None"),
        pytest.param({"OIDC_TOKEN_CACHE_IN_STORE": False}, "token_cache_in_store", False, id="CACHE_IN_STORE"),
        pytest.param({"SESSION_COOKIE_NAME": "theirs"}, "login_seconds", 600, id="settings-of-others"),
    ],
)
def test_a_setting_is_read(config: dict[str, Any], name: str, expected: object) -> None:
    assert getattr(settings(**config), name) == expected


SECONDS = (
    "OIDC_CLOCK_SKEW",
    "OIDC_LOGIN_SECONDS",
    "OIDC_SESSION_IDLE_SECONDS",
    "OIDC_SESSION_SECONDS",
    "PERMANENT_SESSION_LIFETIME",
)
FROM_ZERO = ("OIDC_TOKEN_CACHE_SECONDS", "OIDC_TOKEN_CACHE_REFUSED_SECONDS")


@pytest.mark.parametrize("name", [*SECONDS, *FROM_ZERO])
@pytest.mark.parametrize(
    "value",
    ["600", True, -1, timedelta(seconds=-1), float("nan"), float("inf"), 1e300, [600], timedelta.max],
    ids=str,
)
def test_invalid_seconds_are_rejected_by_name(name: str, value: object) -> None:
    assert rejected(**{name: value}).startswith(f"{name} must be a number of seconds or a timedelta")


@pytest.mark.parametrize("name", SECONDS[1:])
def test_a_lifetime_of_nothing_is_rejected(name: str) -> None:
    assert name in rejected(**{name: 0})
    assert name in rejected(**{name: timedelta(0)})


@pytest.mark.parametrize("url", ["sqlite:relative.db", "mysql://db/sessions", "nothing"])
def test_an_object_that_is_not_a_store_is_rejected_by_the_name_of_its_setting(url: str) -> None:
    assert rejected(OIDC_STORE=url).startswith("OIDC_STORE: ")


@pytest.mark.parametrize("name", ["OIDC_SESSION_PERMANENT", "OIDC_RFC6750_STATUS", "OIDC_BEARER_IN_BODY"])
@pytest.mark.parametrize("value", ["true", "False", 1, 0])
def test_a_value_that_is_neither_true_nor_false_is_rejected(name: str, value: object) -> None:
    message = rejected(**{name: value})
    assert message.startswith(f"{name} must be True or False.")
    assert ("from_prefixed_env" in message) is isinstance(value, str)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_an_empty_setting_is_rejected_by_its_name(name: str) -> None:
    """threat model 388: what is missing in an environment is often an empty string"""
    assert rejected(**{name: ""}).startswith(f"{name} is empty. Set it or remove it.")


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1000", [1], 100_000_001, float("inf")], ids=str)
def test_a_number_of_entries_is_a_whole_number(value: object) -> None:
    assert rejected(OIDC_TOKEN_CACHE_ENTRIES=value).startswith("OIDC_TOKEN_CACHE_ENTRIES must be an integer")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("http://rp.example", "must use https"),
        ("https://rp.example?a=b", "must not have a query"),
        ("https://rp.example#a", ""),
        ("https://rp.example/ ", ""),
        ("rp.example", ""),
        ("", ""),
        (5, ""),
    ],
)
def test_a_resource_that_is_not_an_https_url_is_rejected(value: object, problem: str) -> None:
    """RFC 9728 1.2"""
    message = rejected(OIDC_RESOURCE=value)
    assert message.startswith("OIDC_RESOURCE ")
    assert problem in message


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("OIDC_REDIRECT_URL", "OIDC_REDIRECT_URI"),
        ("OIDC_REDIRECTURI", "OIDC_REDIRECT_URI"),
        ("OIDC_CLOCKSKEW", "OIDC_CLOCK_SKEW"),
        ("OIDC_SESSION_PERMANANT", "OIDC_SESSION_PERMANENT"),
        ("OIDC_SESSION_IDLE", "OIDC_SESSION_IDLE_SECONDS"),
        ("OIDC_LOGIN_TIMEOUT", "OIDC_LOGIN_SECONDS"),
        ("OIDC_RFC6750_STATUSES", "OIDC_RFC6750_STATUS"),
        ("OIDC_TOKEN_CACHE", "OIDC_TOKEN_CACHE_SECONDS"),
        ("OIDC_BEARER_BODY", "OIDC_BEARER_IN_BODY"),
        ("OIDC_", "OIDC_"),
        ("OIDC_CLIENT_ID", "OIDC_"),
    ],
)
def test_an_unknown_setting_is_rejected_with_the_nearest_known_name(name: str, nearest: str) -> None:
    message = rejected(**{name: "value"})
    assert message.startswith(f"{name} is not a setting of oidc_async. Did you mean {nearest}")
    assert "must not begin with OIDC_" in message


@pytest.mark.parametrize("name", ["OIDCX", "oidc_redirect_url", "MY_OIDC_CLIENT_ID"])
def test_settings_that_only_look_like_ours_are_ignored(name: str) -> None:
    assert settings(**{name: "value"}) == settings()


@pytest.mark.parametrize("missing", [{"SECRET_KEY": None}, {"SECRET_KEY": ""}, {"SECRET_KEY": b""}], ids=str)
def test_a_missing_secret_is_rejected_with_the_way_to_make_one(missing: dict[str, Any]) -> None:
    """threat model 171"""
    message = rejected(**missing)
    assert message.startswith("SECRET_KEY is not set")
    assert "secrets.token_urlsafe" in message


@pytest.mark.parametrize(
    "config",
    [
        {"SECRET_KEY": "dev"},
        {"SECRET_KEY": "s" * 15},
        {"SECRET_KEY": b"s" * 15},
        {"SECRET_KEY_FALLBACKS": ["dev"]},
        {"SECRET_KEY_FALLBACKS": [SECRET, "s" * 15]},
    ],
    ids=str,
)
class TestASecretThatCanBeGuessed:
    """threat model 171"""

    def test_is_rejected(self, config: dict[str, Any]) -> None:
        message = rejected(**config)
        assert "SECRET_KEY" in message
        assert "shorter than 16 bytes" in message

    @pytest.mark.parametrize("host", ["localhost:5000", "127.0.0.1", "[::1]:8000"])
    def test_is_warned_of_on_the_developers_own_machine(
        self, config: dict[str, Any], host: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING, "oidc_async"):
            settings(**config, OIDC_REDIRECT_URI=f"http://{host}/redirect_uri")
        assert ["shorter than 16 bytes" in record.message for record in caplog.records] == [True]

    def test_is_never_told(self, config: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
        settings(**config, OIDC_REDIRECT_URI="http://localhost/redirect_uri")
        told = rejected(**config) + caplog.text + repr(settings())
        assert "dev" not in told
        assert "s" * 15 not in told


def test_sixteen_bytes_are_enough(caplog: pytest.LogCaptureFixture) -> None:
    assert settings(SECRET_KEY="ü" * 8).secret_keys == ("ü".encode() * 8,)
    assert caplog.records == []


@pytest.mark.parametrize(
    "config",
    [
        {"SECRET_KEY": 1234567890123456},
        {"SECRET_KEY": ["s" * 16]},
        {"SECRET_KEY_FALLBACKS": [None]},
        {"SECRET_KEY_FALLBACKS": [""]},
        {"SECRET_KEY_FALLBACKS": [5]},
        {"SECRET_KEY_FALLBACKS": "f" * 20},
        {"SECRET_KEY_FALLBACKS": b"f" * 20},
        {"SECRET_KEY_FALLBACKS": {"f" * 20: 1}},
    ],
    ids=str,
)
def test_secrets_of_another_type_are_rejected_everywhere(config: dict[str, Any]) -> None:
    assert next(iter(config)) in rejected(**config)
    assert next(iter(config)) in rejected(**config, OIDC_REDIRECT_URI="http://localhost:5000/redirect_uri")


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (None, "missing"),
        ("", "is empty"),
        (5, "must be a URL"),
        (b"https://rp.example/redirect_uri", "must be a URL"),
        ("/redirect_uri", "absolute"),
        ("rp.example/redirect_uri", "absolute"),
        ("http://rp.example/redirect_uri", "must use https"),
        ("https://user@rp.example/redirect_uri", "credentials"),
        ("https://rp.example/redirect_uri#part", "fragment"),
        ("https://rp.example/redirect_uri?a=b", "must not have a query"),
        ("https://rp.example/redirect_uri?", "must not have a query"),
        ("https://rp.example", "path of its own"),
        ("https://rp.example//", "path of its own"),
        ("https://[::1/redirect_uri", "valid host"),
        ("https://rp.example/red irect", "no spaces"),
        ("https://rp.example\\@evil.example/redirect_uri", "backslashes"),
    ],
    ids=str,
)
def test_an_unusable_redirect_uri_is_rejected(uri: object, why: str) -> None:
    message = rejected(OIDC_REDIRECT_URI=uri)
    assert message.startswith("OIDC_REDIRECT_URI ")
    assert why in message


@pytest.mark.parametrize(
    ("uri", "endpoint", "path"),
    [
        ("https://rp.example/redirect_uri", "redirect_uri", "/redirect_uri"),
        ("https://rp.example:8443/a/b", "a/b", "/a/b"),
        ("https://rp.example/a%20b/", "a%20b/", "/a b/"),
        ("http://127.0.0.1:5000/cb", "cb", "/cb"),
    ],
)
def test_the_route_is_the_path_of_the_redirect_uri(uri: str, endpoint: str, path: str) -> None:
    redirect_uri = settings(OIDC_REDIRECT_URI=uri).redirect_uri
    assert redirect_uri == RedirectUriConfig(uri, endpoint)
    assert (redirect_uri.path, redirect_uri.route) == (path, path)


@pytest.mark.parametrize("endpoint", ["cb", "/cb"])
def test_a_redirect_uri_config_is_used_instead_of_the_settings(endpoint: str) -> None:
    redirect_uri = RedirectUriConfig("https://rp.example/app/cb", endpoint)
    assert (redirect_uri.path, redirect_uri.route) == ("/app/cb", "/cb")
    assert read_settings({"SECRET_KEY": SECRET}, redirect_uri).redirect_uri is redirect_uri


@pytest.mark.parametrize("uri", ["http://rp.example/cb", "https://rp.example/cb?a=b", "cb"])
def test_a_redirect_uri_config_rejects_the_same(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="OIDC_REDIRECT_URI must"):
        RedirectUriConfig(uri, "cb")


@pytest.mark.parametrize("endpoint", ["", "/"])
def test_a_redirect_uri_config_without_an_endpoint_is_rejected(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="path of its own"):
        RedirectUriConfig(REDIRECT_URI, endpoint)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({"OIDC_REDIRECT_DOMAIN": "rp.example"}, "https://rp.example/redirect_uri", id="domain"),
        pytest.param(
            {"OIDC_REDIRECT_DOMAIN": "rp.example:8443", "OIDC_REDIRECT_ENDPOINT": "/cb"},
            "https://rp.example:8443/cb",
            id="endpoint",
        ),
        pytest.param({"SERVER_NAME": "rp.example"}, "https://rp.example/redirect_uri", id="SERVER_NAME"),
        pytest.param(
            {"SERVER_NAME": "other.example", "OIDC_REDIRECT_DOMAIN": "rp.example"},
            "https://rp.example/redirect_uri",
            id="domain-first",
        ),
        pytest.param(
            {"OIDC_REDIRECT_DOMAIN": "localhost:5000", "PREFERRED_URL_SCHEME": "http"},
            "http://localhost:5000/redirect_uri",
            id="scheme",
        ),
    ],
)
def test_the_legacy_settings_still_work_with_a_warning(config: dict[str, Any], expected: str) -> None:
    with pytest.warns(DeprecationWarning, match="set OIDC_REDIRECT_URI") as caught:
        read = settings(OIDC_REDIRECT_URI=None, **{"PREFERRED_URL_SCHEME": "https", **config})
    assert read.redirect_uri.full_uri == expected
    assert len(caught) == 1


def test_the_legacy_settings_are_not_asked_when_there_is_a_redirect_uri() -> None:
    assert settings(OIDC_REDIRECT_DOMAIN="old.example", SERVER_NAME="rp.example") == settings()


@pytest.mark.parametrize(
    "config",
    [{"OIDC_REDIRECT_DOMAIN": 5}, {"OIDC_REDIRECT_DOMAIN": "rp.example", "OIDC_REDIRECT_ENDPOINT": 5.5}],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:OIDC_REDIRECT_DOMAIN:DeprecationWarning")
def test_legacy_settings_without_https_are_rejected(config: dict[str, Any]) -> None:
    assert "must use https" in rejected(OIDC_REDIRECT_URI=None, PREFERRED_URL_SCHEME="http", **config)


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(settings())


def test_every_setting_is_documented() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    settings_of_flask = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "PERMANENT_SESSION_LIFETIME")
    arguments = [field.name for kind in (ProviderConfiguration, HttpSettings) for field in fields(kind)]
    assert sorted(documented) == sorted([*KNOWN, *settings_of_flask, *arguments])
