"""The code of the guide to events is run as it is, in an app that logs somebody in and out."""

import logging
from typing import Any

import pytest

from oidc_async.testing import SimulatedProvider

from .adapters.site import Client
from .test_readme import ADAPTERS, ORIGIN, Adapter, block_with, blocks_of, log_in, provider, run, secret_key

__all__ = ["provider", "secret_key"]

BLOCKS = blocks_of("docs/reference/events.md")


def guided(adapter: Adapter, provider: SimulatedProvider, words: str) -> tuple[dict[str, Any], Client]:
    """The README's app with the one block of the guide that holds `words`, and a browser in front of it."""
    (block,) = [block for block in BLOCKS if words in block]
    app = block_with(f"from {adapter.name} import")
    names = run(app + "\n" + adapter.migrated(block), __name__="app", runtime=adapter.runtime(provider))
    return names, adapter.client(names["app"])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_audit_log_hears_of_logins_and_logouts(
    provider: SimulatedProvider, adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "audit")
    _, browser = guided(adapter, provider, "connect_via")
    log_in(browser, provider, f"{ORIGIN}/")
    browser.request("GET", f"{ORIGIN}/logout")
    browser.request("GET", f"{ORIGIN}/redirect_uri")
    browser.close()
    assert [record.getMessage() for record in caplog.records if record.name == "audit"] == [
        "login of alice at https://op.example.com",
        "logout of alice (user)",
        "a login failed: state_missing ",
    ]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    ("groups", "path", "end"),
    [
        (["staff"], "/", "/dashboard"),
        (["staff", "admins"], "/?a=b", "/?a=b"),
        (["guests"], "/", None),
    ],
    ids=["to-the-dashboard", "to-the-page", "rejected"],
)
def test_the_hook_admits_staff(
    provider: SimulatedProvider, adapter: Adapter, groups: list[str], path: str, end: str | None
) -> None:
    provider.add_user("alice", id_token_claims={"groups": groups})
    names, browser = guided(adapter, provider, "after_login")
    names["app"].add_url_rule("/dashboard", "dashboard", lambda: dict(names["session"]))
    to_login = browser.request("GET", f"{ORIGIN}{path}")
    back = browser.request("GET", provider.authorize(to_login.headers["location"]).url)
    assert back.headers.get("location") == end
    if end is None:
        assert (back.status_code, back.json()["error"]) == (403, "login_refused")
    else:
        shown = browser.request("GET", f"{ORIGIN}/dashboard").json()
        assert shown == {"is_admin": "admins" in groups}
    browser.close()
