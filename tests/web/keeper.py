"""A process that keeps sessions in a store, and what the requests of its tests keep there."""

from collections.abc import Callable, Mapping
from typing import Any

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.sealing import Sealer
from oidc_async.web.http.cookies import Cookies
from oidc_async.web.sessions.session_record import SessionRecord
from oidc_async.web.sessions.stored_sessions import StoredSessions
from oidc_async.web.sessions.user_session import UserSession

from .watched_store import WatchedStore
from .web_request import NOW, REDIRECT_URI, Jar, settings

VALUES: dict[str, Any] = {
    "current_provider": "default",
    "last_authenticated": 1,
    "last_session_refresh": 1,
    "access_token": "access 1",
    "refresh_token": "refresh 1",
}
CLIENTS = {"default": "client1 at https://op.example", "second": "client1 at https://second.example"}
SID = Cookies(REDIRECT_URI).name("sid")
Change = Callable[[UserSession], None]


class Keeper:
    """One process of an application, as its requests use it."""

    def __init__(
        self,
        store: WatchedStore | None = None,
        clients: Mapping[str, str] = CLIENTS,
        redirect_uri: str = REDIRECT_URI,
        **changes: Any,
    ) -> None:
        chosen = settings(**changes)
        self.store = WatchedStore() if store is None else store
        self.cookies = Cookies(redirect_uri)
        sealer = Sealer(chosen.secret_keys)
        self.sessions = StoredSessions(self.store, chosen, sealer, self.cookies, clients)

    def log_in(self, values: Mapping[str, Any] = VALUES, jar: Jar | None = None, now: float = NOW) -> Jar:
        jar = Jar() if jar is None else jar
        record = self.sessions.new(jar, now)
        record.update(values)
        return jar.keep(run_without_loop(self.sessions.begin(record, jar, now)))

    def open(self, jar: Mapping[str, str], now: float = NOW) -> SessionRecord:
        return run_without_loop(self.sessions.open(jar, now))

    def keep(self, record: SessionRecord, jar: Jar, now: float = NOW) -> None:
        jar.keep(run_without_loop(self.sessions.keep(record, jar, now)))

    def change(self, jar: Jar, change: Change, now: float = NOW) -> None:
        """A whole request."""
        record = self.open(jar, now)
        change(UserSession(record))
        self.keep(record, jar, now)
