"""The session of the user."""

from collections.abc import MutableMapping
from typing import Any

from quart.sessions import SessionMixin

from oidc_async.web.sessions import user_session
from oidc_async.web.sessions.user_session import UninitialisedSession

from .translation import framework

__all__ = ["UninitialisedSession", "UserSession"]


class UserSession(user_session.UserSession):
    """The login of the user. Given `quart.session`, it is the session that is kept beside the one of Quart."""

    def __init__(self, session_storage: MutableMapping[str, Any], provider_name: str | None = None) -> None:
        is_of_framework = isinstance(session_storage, SessionMixin)
        super().__init__(framework.current_session() if is_of_framework else session_storage, provider_name)
