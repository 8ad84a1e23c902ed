"""The code of the guide to WebFinger is run as it is: somebody's provider is found, and logs them in."""

import pytest

from oidc_async.testing import SimulatedProvider
from oidc_async.testing.faults.documents import put
from oidc_async.testing.runtimes import async_runtime, blocking_runtime
from oidc_async.testing.stages import WEBFINGER, harmless
from oidc_async.testing.webfinger import ISSUER_REL

from .adapters.site import Client
from .test_readme import ADAPTERS, ORIGIN, Adapter, block_with, blocks_of, provider, run, secret_key

__all__ = ["provider", "secret_key"]

(GUIDE,) = blocks_of("docs/guides/webfinger.md")


def migrated(code: str, adapter: Adapter) -> str:
    """What users of Quart do to it."""
    if adapter.name == "flask":
        return code
    code = code.replace("WebFinger", "AsyncWebFinger").replace("web_finger.discover", "await web_finger.discover")
    return adapter.migrated(code.replace("request.form", "(await request.form)"))


def site(adapter: Adapter, provider: SimulatedProvider, host: SimulatedProvider) -> Client:
    """The README's app with the view of the guide."""
    runtime = (blocking_runtime if adapter.name == "flask" else async_runtime)(provider, host)
    app = block_with(f"from {adapter.name} import")
    guide = GUIDE.replace("allowed_hosts=", "runtime=runtime, allowed_hosts=")
    names = run(app + "\n" + migrated(guide, adapter), __name__="app", runtime=runtime)
    return adapter.client(names["app"])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_user_is_found_and_logged_in(provider: SimulatedProvider, adapter: Adapter) -> None:
    host = SimulatedProvider("https://example.com")
    browser = site(adapter, provider, host)
    link = {"rel": ISSUER_REL, "href": provider.issuer}
    with host.misbehaving(harmless("another provider is in charge", WEBFINGER(put(links=[link])))):
        to_login = browser.request("POST", f"{ORIGIN}/find", data={"identifier": "alice@example.com"})
    assert [asked.endpoint for asked in host.requests] == ["webfinger"]
    assert "login_hint=alice%40example.com" in to_login.headers["location"]
    back = browser.request("GET", provider.authorize(to_login.headers["location"]).url)
    assert back.status_code == 302
    assert browser.request("GET", f"{ORIGIN}/").status_code == 200
    browser.close()


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("identifier", ["alice@example.com", "alice@op.example.com", "169.254.169.254", ""])
def test_somebody_elses_user_is_not(provider: SimulatedProvider, adapter: Adapter, identifier: str) -> None:
    browser = site(adapter, provider, SimulatedProvider("https://example.com"))
    answer = browser.request("POST", f"{ORIGIN}/find", data={"identifier": identifier})
    assert answer.status_code == 400
    assert provider.requests == ()
    browser.close()
