"""The request objects that providers fetch, kept where every process finds them (OIDC Core 6.2, RFC 9101 5.2)."""

import re
from hashlib import sha256

from oidc_async.protocol.request_object import MEDIA_TYPE
from oidc_async.relying_party.login import AuthorizationRequest
from oidc_async.sealing import Sealer
from oidc_async.stores import Store
from oidc_async.web.http.messages import WebRequest, WebResponse

PURPOSE = "request object"
PLACES = 5000
"""How many objects of an application are kept at most; one has 1 to 4 kB."""
_NAME = re.compile(r"[A-Za-z0-9_-]{43}\.jwt", re.ASCII)


class ServedRequestObjects:
    """Those below `request_uri`, each for the `seconds` that its login may take. Raises StoreUnavailable.

    Anybody may begin logins. So there are PLACES for objects and no more, and a new one takes the place of an older
    one at random: a flood neither fills the store nor stops the login of a provider that fetches within seconds, and
    nobody can choose whose object goes, as the place follows from a name that is random.
    """

    def __init__(self, store: Store, sealer: Sealer, request_uri: str, seconds: float) -> None:
        self._store, self._sealer = store, sealer
        self._request_uri, self._seconds = request_uri, seconds
        self._application = _digest(request_uri).hex()[:16]

    async def keep(self, request: AuthorizationRequest) -> None:
        """Keep the object of this request, if it has one that is fetched."""
        if request.request_object is None or request.request_uri is None:
            return
        digest = _digest(request.request_uri)
        sealed = self._sealer.seal(PURPOSE, digest.hex(), request.request_object.encode())
        await self._store.put(self._place(digest), sealed.encode(), self._seconds)

    async def find(self, name: str) -> str | None:
        """The object of this name; None when there is none, or none any more."""
        if _NAME.fullmatch(name) is None:
            return None
        digest = _digest(f"{self._request_uri}/{name}")
        (sealed,) = await self._store.get_many([self._place(digest)])
        # only under the name for which it was sealed
        data = None if sealed is None else self._sealer.open(PURPOSE, digest.hex(), sealed.decode("latin-1"))
        return None if data is None else data.decode()

    def _place(self, digest: bytes) -> str:
        # applications may share a store
        return f"request_object:{self._application}:{int.from_bytes(digest) % PLACES}"


async def request_object_response(objects: ServedRequestObjects | None, request: WebRequest) -> WebResponse:
    """The object that the last part of the path names, which nobody may keep; 404 when there is none."""
    found = None if objects is None else await objects.find(request.path.rpartition("/")[2])
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if found is None:
        return WebResponse(status=404, headers={**headers, "content-type": "text/plain"}, body="Not found.")
    return WebResponse(status=200, headers={**headers, "content-type": MEDIA_TYPE}, body=found)


def _digest(uri: str) -> bytes:
    return sha256(uri.encode()).digest()
