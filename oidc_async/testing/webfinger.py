"""The WebFinger endpoint (RFC 7033, OIDC Discovery 2)."""

from collections.abc import Mapping

from .registry import Registry
from .reply import JSONObject, Rejection

ISSUER_REL = "http://openid.net/specs/connect/1.0/issuer"


def webfinger_document(registry: Registry, parameters: Mapping[str, str]) -> JSONObject:
    """Name this provider as the issuer of any resource. Raises Rejection."""
    if "resource" not in parameters:
        raise Rejection("invalid_request", "resource is missing.")
    wanted = parameters.get("rel", ISSUER_REL) == ISSUER_REL
    links = [{"rel": ISSUER_REL, "href": registry.issuer}] if wanted else []
    return {"subject": parameters["resource"], "links": links}
