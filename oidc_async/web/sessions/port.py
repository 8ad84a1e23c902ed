"""The port of session storage: cookies alone, a store, and either of them with revocations."""

from collections.abc import Mapping
from typing import Protocol

from oidc_async.web.http.messages import Cookie

from .session_record import SessionRecord


class Sessions(Protocol):
    """Loads and saves session records. `present` are the cookies of the browser, `now` is in seconds since 1970."""

    @property
    def keeps_in_store(self) -> bool:
        """Whether a store keeps the records.

        Then a record can be saved without a response that sets cookies, and the changes of overlapping requests are
        merged.
        """
        ...

    @property
    def reads_store(self) -> bool:
        """Whether a store must be read before a session is known: `load` alone finds none."""
        ...

    def is_present(self, present: Mapping[str, str]) -> bool:
        """Whether the cookies belong to a session, valid or not."""
        ...

    def load(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """Return the record as far as it is known without a store; otherwise an empty one."""
        ...

    def new(self, present: Mapping[str, str], now: float) -> SessionRecord:
        """Return an empty record."""
        ...

    async def open(self, present: Mapping[str, str], now: float, *, is_seen: bool = True) -> SessionRecord:
        """Return the record of the browser, or an empty one. With `is_seen` an idle session is extended.

        Raises:
            StoreError: The store could not be read.
        """
        ...

    async def keep(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save the changes of a record and return the cookies to set.

        Raises:
            SessionTooLarge: The record does not fit.
            StoreError: The store could not be written.
        """
        ...

    async def begin(self, record: SessionRecord, present: Mapping[str, str], now: float) -> list[Cookie]:
        """Save a new session in place of the former one and return the cookies to set.

        Raises:
            LoginExpired: The provider has already ended the session.
            SessionTooLarge: The record does not fit.
            StoreError: The store could not be written.
        """
        ...

    def require_room(self, record: SessionRecord) -> None:
        """Raise SessionTooLarge if the record does not fit."""
        ...

    def drop_refresh_token(self, record: SessionRecord, now: float) -> list[Cookie]:
        """Remove a refresh token that the provider rejects, and return the cookies to set."""
        ...
