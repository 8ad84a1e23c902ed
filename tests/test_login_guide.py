"""The code of the guide to logins is run as it is."""

from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from oidc_async.testing import SimulatedProvider

from .test_readme import ADAPTERS, ORIGIN, Adapter, block_with, blocks_of, log_in, provider, run, secret_key

__all__ = ["provider", "secret_key"]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_views_begin_logins(provider: SimulatedProvider, adapter: Adapter) -> None:
    views, _ = blocks_of("docs/guides/starting-a-login.md")
    code = block_with(f"from {adapter.name} import") + "\n" + adapter.migrated(views)
    names = run(code, __name__="app", runtime=adapter.runtime(provider))
    browser = adapter.client(names["app"])

    end = log_in(browser, provider, f"{ORIGIN}/login?next=/payment")
    # with a session, but without the second factor
    assert parse_qs(urlsplit(end.headers["location"]).query)["acr_values"] == ["mfa"]
    provider.add_user("alice", id_token_claims={"acr": "mfa"})
    back = browser.request("GET", provider.authorize(end.headers["location"]).url)
    assert browser.request("GET", urljoin(ORIGIN, back.headers["location"])).text == "Please pay."

    chosen = browser.request("GET", f"{ORIGIN}/switch")
    assert parse_qs(urlsplit(chosen.headers["location"]).query)["prompt"] == ["select_account"]
    assert browser.request("GET", f"{ORIGIN}/login?next=//evil.example").status_code == 400
    browser.close()


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(("roles", "status"), [(["auditor"], 200), (["clerk"], 403), (None, 403)])
def test_the_decorator_asks_for_a_role(
    provider: SimulatedProvider, adapter: Adapter, roles: list[str] | None, status: int
) -> None:
    _, views = blocks_of("docs/guides/starting-a-login.md")
    if adapter.name == "quart":
        # as the guide says
        views = views.replace("flask", "quart").replace("def checked", "async def checked")
        views = views.replace("return view(", "return await view(").replace("def reports", "async def reports")
    code = block_with(f"from {adapter.name} import") + "\n" + views
    names = run(code, __name__="app", runtime=adapter.runtime(provider))
    browser = adapter.client(names["app"])
    provider.add_user("alice", id_token_claims={} if roles is None else {"roles": roles})
    assert log_in(browser, provider, f"{ORIGIN}/reports").status_code == status
    browser.close()
