"""The policy that the arguments of a decorator make, and where a request may have its token."""

from typing import Any

import pytest

from oidc_async import ConfigurationError
from oidc_async.errors import BearerTokenMissing, InsufficientScope
from oidc_async.protocol.access_grant import Requirements
from oidc_async.web.application import WebApplication
from oidc_async.web.views.token_required import TokenPolicy, may_be_in_body, new_token_policy, require_other_way

from .web_request import settings

FORM = "application/x-www-form-urlencoded"


def policy(providers: Any = "default", **asked: Any) -> TokenPolicy:
    nothing: dict[str, Any] = dict.fromkeys(("scopes_required", "scopes_any", "requires", "acr_values", "max_age"))
    return new_token_policy(providers, **{**nothing, **asked})


@pytest.mark.parametrize(
    ("providers", "expected"),
    [("a", ("a",)), ("a b", ("a b",)), (["a", "b"], ("a", "b")), (("b", "a"), ("b", "a")), ({"a": 1}, ("a",))],
    ids=repr,
)
def test_providers_are_one_or_several(providers: Any, expected: tuple[str, ...]) -> None:
    assert policy(providers).providers == expected


@pytest.mark.parametrize("providers", [None, "", [], (), {}, [""], ["a", ""], 5, [5], [None], object, b"a"], ids=repr)
def test_a_provider_must_be_named(providers: Any) -> None:
    with pytest.raises(ConfigurationError, match="name of a provider"):
        policy(providers)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, Requirements()),
        ({"scopes_required": []}, Requirements()),
        ({"scopes_required": "a"}, Requirements(scopes=frozenset("a"))),
        ({"scopes_required": "a b"}, Requirements(scopes=frozenset("ab"))),
        ({"scopes_required": ["a b", "c"]}, Requirements(scopes=frozenset("abc"))),
        ({"scopes_required": {"a"}}, Requirements(scopes=frozenset("a"))),
        ({"scopes_any": ("a", "b")}, Requirements(any_scopes=frozenset("ab"))),
        ({"acr_values": "gold silver"}, Requirements(acr_values=("gold", "silver"))),
        ({"acr_values": ["silver", "gold"]}, Requirements(acr_values=("silver", "gold"))),
        ({"max_age": 0}, Requirements(max_age=0)),
        ({"max_age": 1.5}, Requirements(max_age=1.5)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_the_requirements_of_a_token(asked: dict[str, Any], expected: Requirements) -> None:
    assert policy(**asked).requirements == expected


@pytest.mark.parametrize("name", ["scopes_required", "scopes_any", "acr_values"])
@pytest.mark.parametrize(
    "value", ["", " ", "  ", [""], ["a", ""], [" "], 0, False, 5, [5], b"a", "a\n", "\t"], ids=repr
)
def test_nothing_that_is_asked_may_come_to_nothing(name: str, value: Any) -> None:
    """What was meant to close a view must not open it."""
    with pytest.raises(ConfigurationError, match=name):
        policy(**{name: value})


@pytest.mark.parametrize("value", [-1, -0.1, True, False, float("nan"), float("inf"), 1e300, "60", [60]], ids=repr)
def test_max_age_is_a_number_of_seconds(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_age"):
        policy(max_age=value)


@pytest.mark.parametrize("value", ["read", 1, True, ["a"], {"a": 1}], ids=repr)
def test_requires_is_a_function(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="requires must be callable"):
        policy(requires=value)


@pytest.mark.parametrize("verdict", [False, None, 0, "", [], {}], ids=repr)
def test_what_is_not_true_is_no(verdict: object) -> None:
    with pytest.raises(InsufficientScope):
        policy().require(verdict)


@pytest.mark.parametrize("verdict", [True, 1, "yes", ["a"]], ids=repr)
def test_what_is_true_is_yes(verdict: object) -> None:
    policy().require(verdict)


def test_without_a_login_there_is_no_other_way() -> None:
    with pytest.raises(BearerTokenMissing):
        require_other_way(None)
    require_other_way("default")


class OnlySettings:
    """All that is asked of the application here."""

    def __init__(self, bearer_in_body: bool) -> None:
        self.settings = settings(bearer_in_body=bearer_in_body)


@pytest.mark.parametrize(
    ("setting", "method", "media_type", "expected"),
    [
        (True, "POST", FORM, True),
        (True, "PUT", FORM, True),
        (True, "PATCH", FORM, True),
        (True, "DELETE", FORM, True),
        (True, "GET", FORM, False),
        (True, "HEAD", FORM, False),
        (True, "POST", "multipart/form-data", False),
        (True, "POST", "application/json", False),
        (True, "POST", "", False),
        (False, "POST", FORM, False),
    ],
)
def test_a_token_may_be_in_a_form(setting: bool, method: str, media_type: str, expected: bool) -> None:
    """RFC 6750 2.2"""
    application: Any = OnlySettings(setting)
    web: WebApplication = application
    assert may_be_in_body(web, method, media_type) is expected
