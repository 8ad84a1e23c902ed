"""Our cookies: their names, their attributes, and values that are longer than one cookie."""

import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

from oidc_async.errors import SessionTooLarge

from .messages import Cookie

logger = logging.getLogger("oidc_async.sessions")

PART_LENGTH = 3800
"""Characters in one cookie's value; browsers drop cookies above 4,096 bytes with name and attributes."""
MAX_PARTS = 8
MANY_PARTS = 2
CookieKind = Literal["session", "current", "seen", "spent", "sid", "login", "logins", "logout", "renewal", "renewing"]
"""What a cookie is for; the last part of its name."""


class Cookies:
    """The cookies of one application.

    Names carry a digest of the redirect URI, because cookies are shared by all ports and paths of a host. Over
    https they are Secure and bound to the host by `__Host-` (RFC 6265bis 4.1.3.2).
    """

    def __init__(self, redirect_uri: str) -> None:
        self._secure = redirect_uri.startswith("https:")
        digest = sha256(redirect_uri.encode()).hexdigest()[:8]
        self._prefix = f"{'__Host-' if self._secure else ''}oidc-{digest}"

    def name(self, kind: CookieKind) -> str:
        return f"{self._prefix}-{kind}"

    def set(self, name: str, value: str, max_age: int | None) -> Cookie:
        return Cookie(name=name, value=value, max_age=max_age, secure=self._secure)

    def delete(self, name: str) -> Cookie:
        return self.set(name, "", 0)

    def set_long(self, kind: CookieKind, value: str, max_age: int | None, present: Mapping[str, str]) -> list[Cookie]:
        """As many cookies as `value` needs, and the deletion of left-over parts of an earlier value.

        Raises SessionTooLarge when browsers and servers would not carry it.
        """
        self.require_room(value)
        parts = [value[start : start + PART_LENGTH] for start in range(0, len(value), PART_LENGTH)]
        if len(parts) > MANY_PARTS:
            logger.warning(
                "the cookies of a %s need %d bytes, and many servers refuse request headers above 8,192 bytes: "
                "ask for fewer claims, or raise that limit",
                kind,
                len(value),
            )
        parts[0] = f"{len(parts)}.{parts[0]}"
        names = [self._part_name(kind, number) for number in range(MAX_PARTS)]
        cookies = [self.set(name, part, max_age) for name, part in zip(names, parts, strict=False)]
        return cookies + [self.delete(name) for name in names[len(parts) :] if name in present]

    def require_room(self, value: str) -> None:
        """Raise SessionTooLarge for what `set_long` would not set."""
        if len(value) > MAX_PARTS * PART_LENGTH:
            raise SessionTooLarge(
                f"The session needs {len(value)} bytes, and cookies hold {MAX_PARTS * PART_LENGTH}: ask for fewer "
                "claims or scopes, set userinfo_http_method=None, or keep sessions in OIDC_STORE.",
                size=len(value),
            )

    def delete_long(self, kind: CookieKind, present: Mapping[str, str]) -> list[Cookie]:
        names = [self._part_name(kind, number) for number in range(MAX_PARTS)]
        return [self.delete(name) for name in names if name in present]

    def read_long(self, kind: CookieKind, present: Mapping[str, str]) -> str | None:
        """The value put together again; None when there is none or a part is missing."""
        count, dot, first = present.get(self._part_name(kind, 0), "").partition(".")
        if not dot or count not in _COUNTS:
            return None
        rest = [present.get(self._part_name(kind, number)) for number in range(1, int(count))]
        return None if None in rest else "".join((first, *(part or "" for part in rest)))

    def _part_name(self, kind: CookieKind, number: int) -> str:
        return self.name(kind) if number == 0 else f"{self.name(kind)}-{number}"


_COUNTS = frozenset(str(count) for count in range(1, MAX_PARTS + 1))
