"""What an API publishes of itself, so that clients find out where to get tokens (RFC 9728)."""

import json
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from oidc_async.web.application import WebApplication
from oidc_async.web.http.messages import WebResponse

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def metadata_url(resource: str) -> str:
    """Where the metadata of `resource` are: the well-known path stands before the resource's own (RFC 9728 3.1)."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{'' if parts.path == '/' else parts.path}"


def metadata_route(resource: str) -> str:
    """The decoded path of the same."""
    return unquote(urlsplit(metadata_url(resource)).path)


def metadata_response(application: WebApplication, scopes: Iterable[str]) -> WebResponse:
    """The metadata (RFC 9728 2); `scopes` are those that views ask for."""
    methods = ["header", "body"] if application.settings.bearer_in_body else ["header"]
    document = {
        "resource": application.settings.resource,
        "authorization_servers": sorted({server.issuer for server in application.resource_servers.values()}),
        "bearer_methods_supported": methods,
        **({"scopes_supported": sorted(scopes)} if scopes else {}),
    }
    # public, and meant for clients in browsers, too
    headers = {
        "content-type": "application/json",
        "cache-control": "public, max-age=3600",
        "access-control-allow-origin": "*",
    }
    return WebResponse(status=200, headers=headers, body=json.dumps(document))
