"""Protected resource metadata, from which clients learn where to get access tokens (RFC 9728)."""

import json
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import WebResponse

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata_url(resource: str) -> str:
    """Return the URL of the metadata of `resource`: the well-known path precedes its own path (RFC 9728 3.1)."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{'' if parts.path == '/' else parts.path}"


def metadata_route(resource: str) -> str:
    """Return the decoded path of that URL."""
    return unquote(urlsplit(metadata_url(resource)).path)


def metadata_response(application: WebApplication, scopes: Iterable[str]) -> WebResponse:
    """Return the metadata (RFC 9728 2). `scopes` are those that views require."""
    methods = ["header", "body"] if application.settings.bearer_in_body else ["header"]
    document = {
        "resource": application.settings.resource,
        "authorization_servers": sorted({server.issuer for server in application.resource_servers.values()}),
        "bearer_methods_supported": methods,
        **({"scopes_supported": sorted(scopes)} if scopes else {}),
    }
    # The metadata are public, also for clients that run in browsers.
    headers = {
        "content-type": "application/json",
        "cache-control": "public, max-age=3600",
        "access-control-allow-origin": "*",
    }
    return WebResponse(status=200, headers=headers, body=json.dumps(document))
