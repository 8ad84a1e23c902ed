"""What a flow came to: a login, a refresh, a logout, or another step."""

import logging
from collections.abc import Mapping
from typing import Any

from oidc_async import OIDCError

logger = logging.getLogger("conformance")


class Record:
    """The last flow of one client. Hooks of httpx tell the requests to the provider, the application the rest."""

    def __init__(self) -> None:
        self.begin("configure")

    def begin(self, step: str) -> None:
        """Another flow, of which nothing is known yet."""
        self.step, self.ok = step, False
        self.code: str | None = None
        self.message: str | None = None
        self.id_token_claims: Mapping[str, Any] | None = None
        self.userinfo: Mapping[str, Any] | None = None
        self.calls: list[list[Any]] = []
        logger.info("%s begins", step)

    def enter(self, step: str) -> None:
        self.step = step

    def fail(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        logger.info("%s failed: %s", self.step, code)

    def reject(self, error: OIDCError) -> dict[str, Any]:
        """It fails outside of the application's own error view; what is shown of it."""
        self.fail(error.code, error.message)
        return {"error": error.code}

    def resource(self, status: int, body: str) -> dict[str, Any]:
        """What a protected resource answered to the access token."""
        if 200 <= status < 300:
            self.succeed()
        else:
            self.fail("resource_refused", f"The resource answered {status}.")
        return {"status": status, "body": body}

    def succeed(self) -> None:
        self.ok = True
        logger.info("%s succeeded", self.step)

    def ask(self, request: Any) -> None:
        """A request of httpx goes out."""
        url = str(request.url.copy_with(query=None))
        call = [request.method, url, None]
        request.extensions["call"] = call
        self.calls.append(call)

    def answer(self, response: Any) -> None:
        """It is answered."""
        call = response.request.extensions["call"]
        call[2] = response.status_code
        logger.info("%s %s: %s", *call)

    def to_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "error": {"code": self.code, "message": self.message} if self.code else None,
            "step": self.step,
            "id_token_claims": self.id_token_claims,
            "userinfo": self.userinfo,
            "calls": self.calls,
        }
