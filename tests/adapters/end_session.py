"""What an answer that ends a session sends the browser to the provider with."""

from urllib.parse import parse_qsl, urlsplit

from oidc_async.testing import SimulatedProvider

from .site import Page


def parameters(page: Page) -> dict[str, str]:
    """What the browser brings to the provider, each parameter once."""
    pairs = parse_qsl(urlsplit(page.headers["location"]).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def is_at_provider(page: Page, provider: SimulatedProvider) -> bool:
    return page.status_code == 303 and page.headers["location"].startswith(f"{provider.issuer}/end_session?")
