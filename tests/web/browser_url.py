"""Where a browser goes with a Location header: an imitation of the URL parser that browsers share.

It follows the states of the WHATWG URL Standard for special schemes, and looks for the origin only. It knows nothing
of the code under test, and nothing of urllib.
"""

import re

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_SPECIAL = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
_SLASHES = "/\\"
_STRIPPED = "".join(chr(code) for code in range(0x21))


def origin_of_location(location: str, base_scheme: str, base_host: str) -> str:
    """The origin that a browser on `base_scheme`://`base_host` ends at; "opaque" for javascript: and the like."""
    text = location.strip(_STRIPPED)
    text = text.replace("\t", "").replace("\n", "").replace("\r", "")
    scheme = base_scheme
    if match := _SCHEME.match(text):
        scheme = match.group()[:-1].lower()
        text = text[match.end() :]
        if scheme not in _SPECIAL:
            return "opaque"
        # "https:path" is relative on a page with the same scheme; elsewhere it names a host, slashes or not
        if scheme != base_scheme or text[:2] == "//":
            return _authority(scheme, text.lstrip(_SLASHES))
    if len(text) >= 2 and text[0] in _SLASHES and text[1] in _SLASHES:
        return _authority(scheme, text.lstrip(_SLASHES))
    return f"{base_scheme}://{base_host}"


def _authority(scheme: str, text: str) -> str:
    authority = re.split(r"[/\\?#]", text, maxsplit=1)[0]
    host_and_port = authority.rpartition("@")[2].lower()
    return f"{scheme}://{host_and_port.removesuffix(':' + _SPECIAL[scheme])}"
