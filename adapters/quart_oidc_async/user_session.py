"""The login of this request's user."""

from collections.abc import MutableMapping
from typing import Any

from quart.sessions import SessionMixin

from oidc_async.web.sessions import user_session
from oidc_async.web.sessions.user_session import UninitialisedSession

from .translation import current_session

__all__ = ["UninitialisedSession", "UserSession"]


class UserSession(user_session.UserSession):
    """As in `oidc_async`; given `quart.session`, the login that is kept beside Quart's session."""

    def __init__(self, session_storage: MutableMapping[str, Any], provider_name: str | None = None) -> None:
        ours = isinstance(session_storage, SessionMixin)
        super().__init__(current_session() if ours else session_storage, provider_name)
