"""What must hold for whatever a browser, or somebody who is none, may send."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.http import dump_cookie
from werkzeug.sansio.http import parse_cookie

from oidc_async.errors import LoginError
from oidc_async.relying_party.login import PendingLogin
from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.sealing import Sealer
from oidc_async.web.http.cookies import MAX_PARTS, PART_LENGTH, CookieKind, Cookies
from oidc_async.web.http.messages import Cookie
from oidc_async.web.http.navigation import is_navigation
from oidc_async.web.http.return_path import MAX_LENGTH, return_path
from oidc_async.web.sessions.cookie_sessions import CookieSessions, SessionRecord
from oidc_async.web.sessions.pending_logins import KIND, LoginInBrowser, PendingLogins
from tests.hypothesis_profiles import examples

from .browser_url import origin_of_location
from .web_request import NOW, ORIGIN, REDIRECT_URI, SECRET, Jar, web_request
from .web_request import settings as site_settings

COOKIES = Cookies(REDIRECT_URI)
SEALER = Sealer([SECRET])
SESSIONS = CookieSessions(site_settings(session_idle_seconds=6000.0), SEALER, COOKIES, {})
LOGINS = PendingLogins(SEALER, COOKIES, 600.0)

any_text = st.text(max_size=200)
# what makes URL parsers disagree, much more often than chance would
SEPARATORS = ("/", "\\", "//", ".", "..", "@", ":", "?", "#", "%", ";", "&", "=", "'", '"', "<", "[", "]")
ODDITIES = (
    " ",
    "\t",
    "\n",
    "\r",
    "\x00",
    "\x01",
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\uff0f",
    "\ufeff",
    "ü",
    "\ud800",
)
WORDS = (
    "evil.example",
    "rp.example",
    "https:",
    "http:",
    "javascript:",
    "data:",
    "a",
    "redirect_uri",
    "%2F",
    "%5C",
    "%00",
)
tricky_text = st.lists(st.sampled_from((*SEPARATORS, *ODDITIES, *WORDS)), max_size=12).map("".join)
anything = st.one_of(tricky_text, any_text)
paths = anything.map(lambda text: f"/{text}")
referers = st.one_of(anything, anything.map(lambda text: ORIGIN + text), paths.map(lambda text: ORIGIN + text))
mounts = st.one_of(st.just(""), st.just("/app"), paths)


@given(
    method=st.sampled_from(["GET", "POST"]),
    path=paths,
    root_path=mounts,
    raw_path=st.one_of(st.just(""), paths, anything),
    query=anything,
    referer=referers,
    answers_get=st.booleans(),
)
@example("GET", "//evil.example", "", "//evil.example", "", "", True)
@example("GET", "/page", "//evil.example", "", "", "", True)
@example("GET", "/\t/evil.example", "", "/\t/evil.example", "", "", True)
@example("POST", "/page", "", "", "", f"{ORIGIN}//evil.example", True)
@example("POST", "/page", "", "", "", f"{ORIGIN}/\\evil.example", True)
@example("POST", "/page", "", "", "", "https://rp.example\\@evil.example/", True)
@settings(max_examples=examples(300), deadline=None)
def test_every_return_path_stays_on_this_origin(
    method: str, path: str, root_path: str, raw_path: str, query: str, referer: str, answers_get: bool
) -> None:
    """threat model 201 to 211"""
    request = web_request(
        method,
        path,
        root_path=root_path,
        raw_path=raw_path,
        query=query,
        headers={"referer": referer},
        answers_get=answers_get,
    )
    location = return_path(request, REDIRECT_URI)
    assert origin_of_location(location, "https", "rp.example") == ORIGIN
    assert location.startswith("/")
    assert location.isascii()
    assert location.isprintable()
    assert len(location) <= MAX_LENGTH


@given(path=paths, query=anything, root_path=st.sampled_from(["", "/app"]))
@settings(max_examples=examples(200), deadline=None)
def test_a_return_path_is_the_page_itself_or_the_root(path: str, query: str, root_path: str) -> None:
    """threat model 209: nothing is cut off to make it fit"""
    request = web_request(path=path, query=query, root_path=root_path)
    location = return_path(request, REDIRECT_URI)
    assert location == f"{root_path}/" or location.partition("?")[0].startswith(f"{root_path}/")
    assert location == f"{root_path}/" or ("?" in location) is bool(query)


KINDS: tuple[CookieKind, ...] = ("session", "current", "seen", "spent", "logout", "logins")
our_names = st.sampled_from(
    [COOKIES.name(kind) for kind in KINDS]
    + [f"{COOKIES.name('session')}-{number}" for number in range(1, MAX_PARTS + 2)]
    + [f"{COOKIES.name(KIND)}-{digit * 16}" for digit in "0af"]
)
counts = st.one_of(st.integers(-2, 12).map(str), st.sampled_from(["99999999", "9" * 5000, "1.000000"]), any_text)
sealed_texts = st.one_of(
    any_text,
    st.text("ABCDabcd0123-_=", max_size=100),
    st.binary(max_size=100).map(lambda data: SEALER.seal("session", COOKIES.name("session"), data)),
    st.just("1.000000"),
    st.binary(max_size=100).map(lambda data: SEALER.seal(KIND, f"{COOKIES.name(KIND)}-{'0' * 16}", data)),
)
values = st.one_of(sealed_texts, st.builds("{}.{}".format, counts, sealed_texts))
jars = st.dictionaries(st.one_of(our_names, any_text), values, max_size=20)
headers = st.one_of(
    any_text,
    jars.map(lambda jar: "; ".join(f"{name}={value}" for name, value in jar.items())),
    st.lists(st.one_of(our_names, st.sampled_from((*SEPARATORS, *ODDITIES)))).map("".join),
)


@given(header=headers)
@example("=__Host-oidc=1.a; ;;=;=;")
@example(f'{COOKIES.name("session")}="1.\\303"')
@settings(max_examples=examples(200), deadline=None)
def test_no_cookie_header_is_an_error(header: str) -> None:
    """threat model 160, 162, 167"""
    _read_everything(parse_cookie(header))


@given(jar=jars)
@settings(max_examples=examples(200), deadline=None)
def test_no_cookies_are_an_error(jar: dict[str, str]) -> None:
    """threat model 160, 161, 162"""
    _read_everything(jar)


def _read_everything(jar: Any) -> None:
    """All that a request does with cookies; what is set in answer has names and values that headers can carry."""
    record = SESSIONS.load(jar, NOW)
    assert record == {}
    record["access_token"] = "token"
    cookies = SESSIONS.save(record, jar, NOW) + LOGINS.begin(_login(), jar)
    record.clear()
    cookies += SESSIONS.save(record, jar, NOW)
    assert all(dump_cookie(cookie.name, cookie.value, max_size=0).isascii() for cookie in cookies)
    with suppress(LoginError):
        LOGINS.use("a state", jar)


def _login() -> LoginInBrowser:
    pending = dict.fromkeys(PendingLogin.__dataclass_fields__, "")
    values: dict[str, Any] = {
        **pending,
        "acr_values": (),
        "subjects": (),
        "requires_auth_time": False,
        "begun_at": NOW,
        "max_age": None,
    }
    return LoginInBrowser(pending=PendingLogin(**values), provider="default", return_path="/")


@given(text=st.one_of(any_text, st.text("ABCDabcd0123-_=\n ", max_size=200), st.binary(max_size=200).map(repr)))
@settings(max_examples=examples(200), deadline=None)
def test_nothing_that_we_did_not_seal_is_opened(text: str) -> None:
    """threat model 160"""
    assert SEALER.open("session", "name", text) is None


@given(data=st.binary(max_size=2000), purpose=any_text.filter(str.isascii), context=st.text("abc-", max_size=20))
@settings(deadline=None)
def test_whatever_was_sealed_is_opened(data: bytes, purpose: str, context: str) -> None:
    assert SEALER.open(purpose, context, SEALER.seal(purpose, context, data)) == data


@given(length=st.integers(1, PART_LENGTH * MAX_PARTS), before=st.integers(1, PART_LENGTH * MAX_PARTS))
@settings(deadline=None)
def test_whatever_was_there_before_a_long_value_comes_back(length: int, before: int) -> None:
    """threat model 161"""
    jar = Jar().keep(COOKIES.set_long("session", "b" * before, 600, {}))
    jar.keep(COOKIES.set_long("session", "a" * length, 600, jar))
    assert COOKIES.read_long("session", jar) == "a" * length
    assert len(jar) == -(-length // PART_LENGTH)


numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
claims = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=20,
)


@given(userinfo=st.dictionaries(st.text(max_size=10), claims, max_size=5))
@settings(deadline=None)
def test_whatever_claims_a_user_has_come_back(userinfo: dict[str, Any]) -> None:
    record = SessionRecord({"userinfo": userinfo}, begun_at=NOW, seen_at=NOW)
    jar = Jar().keep(SESSIONS.save(record, {}, NOW))
    assert SESSIONS.load(jar, NOW)["userinfo"] == json.loads(json.dumps(userinfo))


@given(
    method=anything,
    sent=st.dictionaries(
        st.sampled_from(
            ["sec-fetch-mode", "sec-fetch-dest", "x-requested-with", "content-type", "sec-purpose", "purpose"]
        ),
        anything,
    ),
)
@settings(deadline=None)
def test_no_header_makes_the_question_whether_this_is_a_page_an_error(method: str, sent: dict[str, str]) -> None:
    """threat model 170"""
    assert is_navigation(web_request(method, headers=sent)) in (True, False)


steps = st.lists(
    st.tuples(st.sampled_from(["log in", "change", "log out", "answer"]), st.integers(0, 3), st.floats(-30, 30)),
    max_size=30,
)


@given(steps=steps)
@example(
    steps=[
        (step, place, -30)
        for step, place in zip(
            ("log in", "answer", "change", "log out", "answer", "answer"), (0, 0, 0, 0, 1, 0), strict=True
        )
    ]
)
@settings(deadline=None)
def test_in_whatever_order_responses_come_nobody_has_a_session_but_the_current_one(
    steps: list[tuple[str, int, float]],
) -> None:
    """threat model 346 to 348: requests overlap, each at a worker with a clock of its own"""
    jar, under_way = Jar(), list[tuple[str, int | None, list[Cookie]]]()
    current: int | None = None
    for number, (step, place, difference) in enumerate(steps):
        now = NOW + number + difference
        if step != "answer":
            # a logout without a session is one that another site may have asked for
            kind = "nothing" if step == "log out" and COOKIES.name("current") not in jar else step
            under_way.append((kind, number, _carried_out(step, number, jar, now)))
        elif under_way:
            answered, user, cookies = under_way.pop(place % len(under_way))
            jar.keep(cookies)
            current = {"log in": user, "log out": None}.get(answered, current)
        for later in (now, NOW + 3700):
            assert SESSIONS.load(jar, later).get("user") in (None, current)


def _carried_out(step: str, user: int, jar: Jar, now: float) -> list[Cookie]:
    """What the response to one request sets."""
    record = SESSIONS.new(jar, now) if step == "log in" else SESSIONS.load(jar, now)
    if step == "log in":
        record["user"] = user
        return run_without_loop(SESSIONS.begin(record, jar, now))
    if step == "log out":
        record.end()
    elif record:
        record["access_token"] = f"token {now}"
    return run_without_loop(SESSIONS.keep(record, jar, now))
