"""Faults of the authorization response."""

from collections.abc import Callable
from dataclasses import replace

from oidc_async.testing.stages import AUTHORIZATION, DISCOVERY, Answer, Change, Scene, harmless, rejected

from .documents import toggled_slash, without
from .responses import LINE_BREAKS, MARKUP

Pairs = list[tuple[str, str]]


def drop(*names: str) -> Change[Answer]:
    """Remove these parameters."""
    return _on_pairs(lambda pairs: [pair for pair in pairs if pair[0] not in names])


def nothing_at_all(answer: Answer, scene: Scene) -> Answer:
    return replace(answer, parameters=[])


def rewrite(name: str, change: Callable[[str], str]) -> Change[Answer]:
    """Change the value of this parameter."""
    return _on_pairs(lambda pairs: [(key, change(value) if key == name else value) for key, value in pairs])


def add(**parameters: str) -> Change[Answer]:
    """Add these parameters."""
    return _on_pairs(lambda pairs: [*pairs, *parameters.items()])


def repeat(name: str) -> Change[Answer]:
    """Send this parameter twice, with the same value."""
    return _on_pairs(lambda pairs: [*pairs, *[pair for pair in pairs if pair[0] == name]])


def error_response(error: str, description: str | None = None) -> Change[Answer]:
    """Send an error instead of the code."""
    told = {} if description is None else {"error_description": description}

    def change(pairs: Pairs) -> Pairs:
        kept = [pair for pair in pairs if pair[0] in ("state", "iss")]
        return [("error", error), *told.items(), *kept]

    return _on_pairs(change)


def other_channel(answer: Answer, scene: Scene) -> Answer:
    """Use the query if form_post was requested, else form_post."""
    mode = "query" if answer.response_mode == "form_post" else "form_post"
    return replace(answer, response_mode=mode)


def _on_pairs(change: Callable[[Pairs], Pairs]) -> Change[Answer]:
    return lambda answer, scene: replace(answer, parameters=change(answer.parameters))


class AuthorizationFaults:
    AUTHORIZATION_STATE_MISSING = rejected("no state", AUTHORIZATION(drop("state")))
    AUTHORIZATION_STATE_WRONG = rejected("another state", AUTHORIZATION(rewrite("state", "x{}".format)))
    AUTHORIZATION_ISS_MISSING = rejected("no iss, though advertised", AUTHORIZATION(drop("iss")))
    AUTHORIZATION_ISS_WRONG = rejected(
        "another iss", AUTHORIZATION(rewrite("iss", lambda iss: "https://other.example"))
    )
    AUTHORIZATION_ISS_TRAILING_SLASH = rejected("a slash more", AUTHORIZATION(rewrite("iss", toggled_slash)))
    AUTHORIZATION_ISS_UNSUPPORTED = harmless(
        "iss neither advertised nor sent",
        DISCOVERY(without("authorization_response_iss_parameter_supported")),
        AUTHORIZATION(drop("iss")),
    )
    AUTHORIZATION_CODE_TWICE = rejected("code twice", AUTHORIZATION(repeat("code")))
    AUTHORIZATION_STATE_TWICE = rejected("state twice", AUTHORIZATION(repeat("state")))
    AUTHORIZATION_ISS_TWICE = rejected("iss twice", AUTHORIZATION(repeat("iss")))
    AUTHORIZATION_CODE_MISSING = rejected("no code", AUTHORIZATION(drop("code")))
    AUTHORIZATION_CODE_EMPTY = rejected("an empty code", AUTHORIZATION(rewrite("code", lambda code: "")))
    AUTHORIZATION_CODE_WRONG = rejected("an unknown code", AUTHORIZATION(rewrite("code", "x{}".format)))
    AUTHORIZATION_CODE_CONTROLS = rejected("line breaks", AUTHORIZATION(rewrite("code", "{}\r\n\0".format)))
    AUTHORIZATION_CODE_HUGE = rejected("a code of 100 KB", AUTHORIZATION(rewrite("code", lambda code: "x" * 102400)))
    AUTHORIZATION_CODE_AND_ERROR = rejected("code and error", AUTHORIZATION(add(error="server_error")))
    AUTHORIZATION_ID_TOKEN_ADDED = rejected("an unrequested id_token", AUTHORIZATION(add(id_token="e30.e30.e30")))
    AUTHORIZATION_ACCESS_TOKEN_ADDED = rejected("an access_token", AUTHORIZATION(add(access_token="stolen")))
    AUTHORIZATION_EXTRA_PARAMETER = harmless("more parameters", AUTHORIZATION(add(session_state="a.b", foo="")))
    AUTHORIZATION_ACCESS_DENIED = rejected("the user said no", AUTHORIZATION(error_response("access_denied", "No.")))
    AUTHORIZATION_LOGIN_REQUIRED = rejected("nobody is logged in", AUTHORIZATION(error_response("login_required")))
    AUTHORIZATION_INTERACTION_REQUIRED = rejected(
        "the user has to do something", AUTHORIZATION(error_response("interaction_required"))
    )
    AUTHORIZATION_CONSENT_REQUIRED = rejected("consent is needed", AUTHORIZATION(error_response("consent_required")))
    AUTHORIZATION_ACCOUNT_SELECTION_REQUIRED = rejected(
        "the user has to say which account", AUTHORIZATION(error_response("account_selection_required"))
    )
    AUTHORIZATION_TEMPORARILY_UNAVAILABLE = rejected(
        "too busy", AUTHORIZATION(error_response("temporarily_unavailable", "Come again."))
    )
    AUTHORIZATION_SERVER_ERROR = rejected("server_error", AUTHORIZATION(error_response("server_error", "Oh.")))
    AUTHORIZATION_ERROR_MARKUP = rejected("markup in it", AUTHORIZATION(error_response(MARKUP, MARKUP)))
    AUTHORIZATION_ERROR_LINE_BREAKS = rejected("CR LF", AUTHORIZATION(error_response("server_error", LINE_BREAKS)))
    AUTHORIZATION_EMPTY = rejected("no parameters at all", AUTHORIZATION(nothing_at_all))
    AUTHORIZATION_OTHER_CHANNEL = rejected("by form for query, by query for form", AUTHORIZATION(other_channel))
