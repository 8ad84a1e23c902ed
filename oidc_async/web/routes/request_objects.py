"""Request objects that providers fetch, kept in the store for all processes (OIDC Core 6.2, RFC 9101 5.2)."""

import re
from hashlib import sha256

from oidc_async.protocol.request_object import MEDIA_TYPE
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.sealing import Sealer
from oidc_async.stores import Store
from oidc_async.web.http.messages import WebRequest, WebResponse

PURPOSE = "request object"
PLACES = 5000
"""The maximum number of request objects of an application; each has 1 to 4 kB."""
_NAME = re.compile(r"[A-Za-z0-9_-]{43}\.jwt", re.ASCII)


class ServedRequestObjects:
    """The request objects of one application. All methods raise StoreUnavailable.

    Anybody can start logins, so there are only PLACES keys for objects, and a new object replaces an older one at
    random. A flood of logins thus neither fills the store nor stops other logins, since providers fetch an object
    within seconds. Nobody can choose which object is replaced, since the key follows from a random name.

    Args:
        store: The store.
        sealer: Seals the objects.
        request_uri: The URL of the endpoint, which the names of objects follow.
        seconds: The lifetime of an object: the time that a login may take.
    """

    def __init__(self, store: Store, sealer: Sealer, request_uri: str, seconds: float) -> None:
        self._store = store
        self._sealer = sealer
        self._request_uri = request_uri
        self._seconds = seconds
        self._application = _digest(request_uri).hex()[:16]

    async def keep(self, request: AuthorizationRequest) -> None:
        """Store the request object of this request, if the provider will fetch it."""
        if request.request_object is None or request.request_uri is None:
            return
        digest = _digest(request.request_uri)
        sealed = self._sealer.seal(PURPOSE, digest.hex(), request.request_object.encode())
        await self._store.put(self._place(digest), sealed.encode(), self._seconds)

    async def find(self, name: str) -> str | None:
        """Return the object of this name; None if there is none or it was replaced."""
        if _NAME.fullmatch(name) is None:
            return None
        digest = _digest(f"{self._request_uri}/{name}")
        (sealed,) = await self._store.get_many([self._place(digest)])
        # The object opens only under the name for which it was sealed.
        data = None if sealed is None else self._sealer.open(PURPOSE, digest.hex(), sealed.decode("latin-1"))
        return None if data is None else data.decode()

    def _place(self, digest: bytes) -> str:
        # Applications can share a store.
        return f"request_object:{self._application}:{int.from_bytes(digest) % PLACES}"


async def request_object_response(objects: ServedRequestObjects | None, request: WebRequest) -> WebResponse:
    """Return the object that the last segment of the path names, without caching; 404 if there is none."""
    found = None if objects is None else await objects.find(request.path.rpartition("/")[2])
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if found is None:
        return WebResponse(status=404, headers={**headers, "content-type": "text/plain"}, body="Not found.")
    return WebResponse(status=200, headers={**headers, "content-type": MEDIA_TYPE}, body=found)


def _digest(uri: str) -> bytes:
    return sha256(uri.encode()).digest()
