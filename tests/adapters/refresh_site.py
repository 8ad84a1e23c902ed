"""A site whose views ask for a usable access token."""

from collections.abc import Callable
from typing import Any

from oidc_async.testing import SimulatedProvider

from .cookie_jar import logged_in
from .site import REDIRECT_URI, Browser, Framework, Site, new_provider

OFFLINE = {"auth_request_params": {"scope": "openid profile offline_access"}}
LIFETIME = 600
"""Seconds that the tokens of the simulated provider live."""
MARGIN = 30
"""The default of OIDC_REFRESH_BEFORE_SECONDS."""
TOKENS = ("access_token", "access_token_expires_at", "id_token", "id_token_jwt", "refresh_token", "userinfo")


def token_views(framework: Framework) -> Callable[[Any, Any], None]:
    """The standard views, and `/token` and `/token/new`, which show an access token, or that there is none."""

    def add(app: Any, auth: Any) -> None:
        framework.add_standard_views(app, auth)

        def token() -> dict[str, Any]:
            return {"token": auth.valid_access_token()}

        def new_token() -> dict[str, Any]:
            return {"token": auth.valid_access_token(force_refresh=True)}

        async def awaited_token() -> dict[str, Any]:
            return {"token": await auth.valid_access_token()}

        async def awaited_new_token() -> dict[str, Any]:
            return {"token": await auth.valid_access_token(force_refresh=True)}

        is_flask = framework.name == "flask"
        app.add_url_rule("/token", "token", token if is_flask else awaited_token)
        app.add_url_rule("/token/new", "new token", new_token if is_flask else awaited_new_token)

    return add


def token_site(make_site: Callable[..., Site], framework: Framework, **options: Any) -> Site:
    return make_site(**{"views": token_views(framework), **OFFLINE, **options})


def user_of(site: Site) -> Browser:
    """Somebody who has logged in, and whose access token expires in LIFETIME seconds."""
    return logged_in(site)


def token_of(browser: Browser, path: str = "/token") -> str | None:
    page = browser.get(path)
    assert page.status_code == 200, (page.status_code, page.text)
    token: str | None = page.json()["token"]
    return token


def kept(browser: Browser) -> dict[str, Any]:
    """What the session holds of tokens and claims."""
    who = browser.who()
    return {name: who[name] for name in TOKENS}


def asked(provider: SimulatedProvider) -> int:
    """How many refresh requests reached the provider."""
    return provider.count("token", grant_type="refresh_token")


def keeping_provider() -> SimulatedProvider:
    """One whose refresh tokens stay good."""
    provider = new_provider()
    provider.register("client1", "secret1", redirect_uris=[REDIRECT_URI], rotates_refresh_tokens=False)
    return provider
