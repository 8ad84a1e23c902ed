"""Signals of what happens to logins; each is described in `oidc_async.web.signals`."""

from oidc_async.web.signals import logged_in, logged_out, login_failed, logout_failed, refresh_failed, token_refreshed

__all__ = ["logged_in", "logged_out", "login_failed", "logout_failed", "refresh_failed", "token_refreshed"]
