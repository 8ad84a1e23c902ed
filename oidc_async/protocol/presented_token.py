"""A bearer token as a request presents it, before anything is verified."""

from contextlib import suppress
from hashlib import sha256

from oidc_async.errors import TokenError

from .jose.jws import CompactJWS, parse_compact


class PresentedToken:
    """A token that is parsed on first access, and only once. Nothing of it is verified.

    An attacker chooses its contents, and parsing a large token takes milliseconds. So several providers and checks
    share one parsed token.
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
        """The SHA-256 hash of the token, its key in caches."""
        if self._digest is None:
            self._digest = token_digest(self.text)
        return self._digest

    @property
    def jws(self) -> CompactJWS:
        """The parsed token. Raises TokenMalformed or AlgorithmNotAllowed."""
        # If it is not a JWT, parse it again to raise a new error with its own traceback. That ends early.
        return self.jws_or_none or parse_compact(self.text)

    @property
    def jws_or_none(self) -> CompactJWS | None:
        """The parsed token; None if it is not a signed JWT."""
        if not self._is_parsed:
            with suppress(TokenError):
                self._jws = parse_compact(self.text)
            self._is_parsed = True
        return self._jws

    @property
    def claimed_issuer(self) -> str | None:
        """The `iss` claim, **not** verified; None if it is missing or malformed."""
        jws = self.jws_or_none
        try:
            issuer = None if jws is None else jws.claims.get("iss")
        except TokenError:
            return None
        return issuer if isinstance(issuer, str) else None


def token_digest(text: str) -> bytes:
    """Return the SHA-256 hash of a token. It accepts any string, even with lone surrogates."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
