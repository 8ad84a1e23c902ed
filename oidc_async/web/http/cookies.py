"""Names and attributes of our cookies, and values that are split over several cookies."""

import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

from oidc_async.errors import SessionTooLarge

from .messages import Cookie

logger = logging.getLogger("oidc_async.sessions")

PART_LENGTH = 3800
"""Characters in the value of one cookie. Browsers drop cookies above 4,096 bytes, with name and attributes."""
MAX_PARTS = 8
MANY_PARTS = 2
"""The number of cookies above which a warning is logged."""
CookieKind = Literal["session", "current", "seen", "spent", "sid", "login", "logins", "logout", "renewal", "renewing"]
"""The purpose of a cookie, which is the last part of its name."""


class Cookies:
    """The cookies of one application.

    Their names contain a digest of the redirect URI, because all ports and paths of a host share cookies. With https
    they are Secure, and the prefix `__Host-` binds them to the host (RFC 6265bis 4.1.3.2).
    """

    def __init__(self, redirect_uri: str) -> None:
        self._secure = redirect_uri.startswith("https:")
        digest = sha256(redirect_uri.encode()).hexdigest()[:8]
        self._prefix = f"{'__Host-' if self._secure else ''}oidc-{digest}"

    def name(self, kind: CookieKind) -> str:
        """Return the full name of a cookie of this kind."""
        return f"{self._prefix}-{kind}"

    def set(self, name: str, value: str, max_age: int | None) -> Cookie:
        """Return the cookie to set. `max_age` is in seconds; None lets it last until the browser closes."""
        return Cookie(name=name, value=value, max_age=max_age, secure=self._secure)

    def delete(self, name: str) -> Cookie:
        """Return the cookie that deletes the one of this name."""
        return self.set(name, "", 0)

    def set_long(self, kind: CookieKind, value: str, max_age: int | None, present: Mapping[str, str]) -> list[Cookie]:
        """Split a value over as many cookies as it needs, and delete left-over parts of an earlier value.

        Args:
            kind: The kind of the cookies.
            value: The value.
            max_age: Seconds; None lets the cookies last until the browser closes.
            present: The cookies of the browser.

        Raises:
            SessionTooLarge: Browsers and servers would not accept that many cookies.
        """
        self.require_room(value)
        parts = [value[start : start + PART_LENGTH] for start in range(0, len(value), PART_LENGTH)]
        if len(parts) > MANY_PARTS:
            logger.warning(
                "the %s cookies have %d bytes, and many servers reject request headers above 8,192 bytes: request "
                "fewer claims or scopes, set OIDC_STORE, or raise that limit",
                kind,
                len(value),
            )
        # The number of parts shows whether one of them was lost, and which left-over parts do not belong to the
        # value.
        parts[0] = f"{len(parts)}.{parts[0]}"
        names = [self._part_name(kind, number) for number in range(MAX_PARTS)]
        cookies = [self.set(name, part, max_age) for name, part in zip(names, parts, strict=False)]
        return cookies + [self.delete(name) for name in names[len(parts) :] if name in present]

    def require_room(self, value: str) -> None:
        """Raise SessionTooLarge for a value that `set_long` would reject."""
        if len(value) > MAX_PARTS * PART_LENGTH:
            raise SessionTooLarge(
                f"The session has {len(value)} bytes; cookies hold at most {MAX_PARTS * PART_LENGTH}. Request fewer "
                "claims or scopes, set userinfo_http_method=None, or keep sessions in OIDC_STORE.",
                size=len(value),
            )

    def delete_long(self, kind: CookieKind, present: Mapping[str, str]) -> list[Cookie]:
        """Return the cookies that delete all parts that the browser has."""
        names = [self._part_name(kind, number) for number in range(MAX_PARTS)]
        return [self.delete(name) for name in names if name in present]

    def read_long(self, kind: CookieKind, present: Mapping[str, str]) -> str | None:
        """Join the parts of a value. Returns None if there is no value, or a part is missing."""
        count, dot, first = present.get(self._part_name(kind, 0), "").partition(".")
        if not dot or count not in _COUNTS:
            return None
        rest = [present.get(self._part_name(kind, number)) for number in range(1, int(count))]
        return None if None in rest else "".join((first, *(part or "" for part in rest)))

    def _part_name(self, kind: CookieKind, number: int) -> str:
        return self.name(kind) if number == 0 else f"{self.name(kind)}-{number}"


_COUNTS = frozenset(str(count) for count in range(1, MAX_PARTS + 1))
