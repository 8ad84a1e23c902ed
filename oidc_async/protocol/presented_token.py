"""A token as a stranger sends it, before anything is known about it."""

from contextlib import suppress
from hashlib import sha256

from oidc_async.errors import TokenError

from .jose.jws import CompactJWS, parse_compact


class PresentedToken:
    """A token, taken apart at first need and only once, whoever asks. Nothing of it is verified.

    Strangers choose what is in it, so each reading of a large one costs them nothing and us milliseconds.
    """

    __slots__ = ("_digest", "_is_parsed", "_jws", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._digest: bytes | None = None
        self._is_parsed = False
        self._jws: CompactJWS | None = None

    def __repr__(self) -> str:
        return "<PresentedToken>"

    @property
    def digest(self) -> bytes:
        """The SHA-256 hash of the token, by which caches find it."""
        if self._digest is None:
            self._digest = token_digest(self.text)
        return self._digest

    @property
    def jws(self) -> CompactJWS:
        """The token taken apart. Raises TokenMalformed or AlgorithmNotAllowed."""
        # what is no JWT is parsed again, for an error with a traceback of its own: that ends early
        return self.jws_or_none or parse_compact(self.text)

    @property
    def jws_or_none(self) -> CompactJWS | None:
        """The token taken apart; None for what is no signed JWT."""
        if not self._is_parsed:
            with suppress(TokenError):
                self._jws = parse_compact(self.text)
            self._is_parsed = True
        return self._jws

    @property
    def claimed_issuer(self) -> str | None:
        """The `iss` that it claims to have, **not** verified; None if there is none that can be read."""
        jws = self.jws_or_none
        try:
            issuer = None if jws is None else jws.claims.get("iss")
        except TokenError:
            return None
        return issuer if isinstance(issuer, str) else None


def token_digest(text: str) -> bytes:
    """The SHA-256 hash of a token. It can be of any text: surrogates are hashed, too."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
