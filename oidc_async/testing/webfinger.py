"""Who is in charge of an identifier (RFC 7033, OIDC Discovery 2): this provider, of each at its host."""

from collections.abc import Mapping

from .registry import Registry
from .reply import JSONObject, Rejection

ISSUER_REL = "http://openid.net/specs/connect/1.0/issuer"


def webfinger_document(registry: Registry, parameters: Mapping[str, str]) -> JSONObject:
    if "resource" not in parameters:
        raise Rejection("invalid_request", "resource must be given.")
    wanted = parameters.get("rel", ISSUER_REL) == ISSUER_REL
    links = [{"rel": ISSUER_REL, "href": registry.issuer}] if wanted else []
    return {"subject": parameters["resource"], "links": links}
