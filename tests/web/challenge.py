"""WWW-Authenticate as a client of RFC 9110 11.6.1 reads it: one challenge, strictly."""

import re

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"[\x20\x21\x23-\x5b\x5d-\x7e]*"'
"""Without escapes: RFC 6750 3 has no character that would need one."""
_PARAMETER = re.compile(rf"({_TOKEN})=({_QUOTED})")
_CHALLENGE = re.compile(rf"({_TOKEN})(?: ({_TOKEN}={_QUOTED}(?:, {_TOKEN}={_QUOTED})*))?")


def read_challenge(header: str) -> tuple[str, dict[str, str]]:
    """The scheme and the parameters of the one challenge that the header has."""
    found = _CHALLENGE.fullmatch(header)
    assert found is not None, f"no challenge: {header!a}"
    pairs = [(name, quoted[1:-1]) for name, quoted in _PARAMETER.findall(found[2] or "")]
    assert len(dict(pairs)) == len(pairs), f"a parameter twice: {header!a}"
    return found[1], dict(pairs)
