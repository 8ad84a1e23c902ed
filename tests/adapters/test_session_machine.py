"""No order of logins, refreshes, renewals and logouts brings a session back, nor hands it to another user.

A state machine over one browser and two workers whose clocks differ: requests may be answered late or never, may
have been sent with older cookies, and logouts happen while a refresh is under way. Every login is that of a user of
its own, so that who is shown tells which session is in force. What must hold is looked at after every step, and, when
the steps are over, at the end of every lifetime. `SESSION_MACHINE_EXAMPLES` runs more of them.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from oidc_async.testing import Fault
from tests.adapters.session_world import PAGE, SCRIPT, World, is_at_provider, is_renewal, store_in
from tests.adapters.site import FlaskFramework, Framework, Page, QuartFramework

SKEW = 30
"""The default of OIDC_CLOCK_SKEW."""
LIFETIME = 31 * 86_400
TOLERANCE = 3 * SKEW
FAULTS = {
    "none": None,
    "keys out of reach": Fault.JWKS_500,
    "an ID token of another user": Fault.REFRESH_SUB_OTHER,
    "a body that is cut off": Fault.TOKEN_TRUNCATED,
    "a busy provider": Fault.TOKEN_500,
}
workers = st.integers(0, 1)
times = st.sampled_from([1, 6, 31, 61, 301, 599, 601, 3500, 3700, 86_400, 10 * 86_400])


@dataclass
class Answer:
    """A response that has not reached the browser."""

    page: Page
    of: str | None
    """Whose session the request was for."""
    ends_session: bool = False


class SessionMachine(RuleBasedStateMachine):
    framework: ClassVar[Framework]
    storage: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self.users = 0
        self.current: str | None = None
        self.begun_at = 0.0
        self.lasts = False
        """Whether nothing has happened that may have ended the current session."""
        self.ended: set[str] = set()
        self.under_way: list[Answer] = []
        self.older_cookies: list[dict[str, str]] = []

    @initialize(
        refresh_tokens=st.sampled_from(["rotated", "repeated", "omitted"]), interval=st.sampled_from([None, 600])
    )
    def begin(self, refresh_tokens: str, interval: int | None) -> None:
        stored = store_in(Path(self._directory.name)) if self.is_stored else {}
        if self.storage == "cookies beside sqlite":
            stored["OIDC_SESSION_IN_COOKIES"] = True
        self.world = World(self.framework, stored, refresh_tokens, interval)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self._live_on()
            finally:
                self.world.close()
        self._directory.cleanup()

    @property
    def is_stored(self) -> bool:
        return self.storage != "cookies"

    @property
    def has_records(self) -> bool:
        return self.storage == "sqlite"

    def ask(self, worker: int, path: str, headers: dict[str, str], cookies: dict[str, str] | None = None) -> Page:
        present = self.world.jar.present() if cookies is None else cookies
        return self.world.workers[worker].ask(path, present, headers)

    # --- what happens -----------------------------------------------------------------------------------------

    @rule(begins=workers, completes=workers, pause=st.sampled_from([0, 5, 50]))
    def log_in(self, begins: int, completes: int, pause: int) -> None:
        """Somebody logs in with this browser, no matter which user was logged in before."""
        user = f"user{self.users}"
        self.users += 1
        self.world.provider.add_user(user)
        page = self.ask(begins, "/login", PAGE)
        self.world.jar.receive(page)
        if not is_at_provider(page):
            event("a login could not begin")
            return
        callback = self.world.callback(page, user)
        self.world.provider.clock.advance(pause)
        page = self.ask(completes, callback, PAGE)
        self.world.jar.receive(page)
        if page.status_code != 302:
            # the keys could not be fetched, or too many logins came at once: nothing has changed then
            event("a login failed")
            return
        if self.current is not None:
            self.ended.add(self.current)
        self.current, self.begun_at, self.lasts = user, self.world.provider.clock(), True

    @precondition(lambda self: self.current)
    @rule(worker=workers, late=st.booleans())
    def log_out(self, worker: int, late: bool) -> None:
        page = self.ask(worker, "/logout", PAGE)
        answer = Answer(page, self.current, ends_session=True)
        self.lasts = False
        if self.has_records:
            self._note_end()
        if late:
            self.under_way.append(answer)
        else:
            self._deliver(answer)

    @precondition(lambda self: self.current)
    @rule(
        worker=workers,
        force=st.booleans(),
        late=st.booleans(),
        older=st.booleans(),
        fault=st.sampled_from(sorted(FAULTS)),
        meanwhile=st.sampled_from(["nothing", "nothing", "logout", "logout at the other worker"]),
    )
    def use_token(self, worker: int, force: bool, late: bool, older: bool, fault: str, meanwhile: str) -> None:
        """A script asks for an access token; while the provider is asked, the user may log out."""
        cookies = self.older_cookies[-1] if older and self.older_cookies else None
        runtime = self.world.workers[worker].runtime
        if meanwhile != "nothing" and self.framework.name == "flask":
            other = worker if meanwhile == "logout" else 1 - worker
            runtime.meanwhile = lambda: self.log_out(other, late=False)
        with self._misbehaving(fault):
            page = self.ask(worker, "/token/new" if force else "/token", SCRIPT, cookies)
        runtime.meanwhile = None
        if page.status_code == 200:
            self._check_token(page.json(), worker, force)
        if late:
            self.under_way.append(Answer(page, self.current))
        else:
            self._deliver(Answer(page, self.current))

    @precondition(lambda self: self.current)
    @rule(worker=workers, fault=st.sampled_from(sorted(FAULTS)))
    def refresh(self, worker: int, fault: str) -> None:
        self.use_token(worker=worker, force=True, late=False, older=False, fault=fault, meanwhile="nothing")

    @contextmanager
    def _misbehaving(self, name: str) -> Iterator[None]:
        fault = FAULTS[name]
        if fault is None:
            yield
            return
        if fault is Fault.JWKS_500:
            self.world.provider.rotate_keys()
        with self.world.provider.misbehaving(fault):
            yield

    def _check_token(self, seen: dict[str, Any], worker: int, force: bool) -> None:
        token = seen["token"]
        if token is None:
            return
        if force:
            assert token != seen["before"], "the token that was to be replaced is given out"
        runtime = self.world.workers[worker].runtime
        # a login and a refresh are noted in whole seconds, by the clock of the worker that had them
        assert runtime.expiries[token] > runtime.now() - SKEW - 1, "a token that is known to be expired"

    @rule(worker=workers, still_there=st.booleans(), late=st.booleans())
    def open_page(self, worker: int, still_there: bool, late: bool) -> None:
        """The user opens a page, which may lead through the provider to renew the session."""
        page = self.ask(worker, "/who", PAGE)
        if not is_renewal(page):
            self._deliver(Answer(page, self.current))
            return
        self.world.jar.receive(page)
        user = self.current if still_there else None
        page = self.ask(1 - worker, self.world.callback(page, user), PAGE)
        if not still_there:
            self.lasts = False
        if late:
            self.under_way.append(Answer(page, self.current))
        else:
            self._deliver(Answer(page, self.current))

    @precondition(lambda self: self.current and len(self.older_cookies) < 3)
    @rule()
    def remember_cookies(self) -> None:
        """A request is sent now, and reaches a worker later."""
        self.older_cookies.append(self.world.jar.present())

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), lost=st.booleans())
    def answer_late(self, data: st.DataObject, lost: bool) -> None:
        answer = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if not lost:
            self._deliver(answer)

    @rule(seconds=times)
    def let_time_pass(self, seconds: int) -> None:
        self.world.provider.clock.advance(seconds)

    @rule(worker=workers, offset=st.sampled_from([-SKEW / 2, -1, 0, 1, SKEW / 2]))
    def set_clock_of_worker(self, worker: int, offset: float) -> None:
        self.world.workers[worker].runtime.offset = offset

    # --- what must hold ---------------------------------------------------------------------------------------

    def _deliver(self, answer: Answer) -> None:
        self.world.jar.receive(answer.page)
        if answer.of != self.current:
            # it may have set the cookies of the former session, which are of no use, in place of the present ones
            self.lasts = False
        if answer.ends_session:
            self._note_end()

    def _note_end(self) -> None:
        self.lasts = False
        if self.current is not None:
            self.ended.add(self.current)
        self.current = None

    def shown(self, worker: int) -> str | None:
        """Whose session is in force, by what a script is shown; what this response sets does not arrive."""
        page = self.ask(worker, "/who", SCRIPT)
        if page.status_code == 401:
            return None
        assert page.status_code == 200, (page.status_code, page.text)
        user: str = page.json()
        return user

    @invariant()
    def the_session_is_that_of_the_last_login(self) -> None:
        if not hasattr(self, "world"):
            return
        for worker in (0, 1):
            shown = self.shown(worker)
            assert shown not in self.ended, f"{shown} is back"
            assert shown in (None, self.current)
            age = self.world.provider.clock() - self.begun_at
            assert shown is None or age <= LIFETIME + TOLERANCE, "a session has no end"
            if self.lasts and age < LIFETIME - TOLERANCE:
                assert shown == self.current, "a session is lost"

    @invariant()
    def no_spent_refresh_token_is_sent_again(self) -> None:
        if hasattr(self, "world") and self.has_records:
            assert self.world.workers[0].runtime.sent_again == []

    def _live_on(self) -> None:
        """All that is under way arrives; then every lifetime comes to its end."""
        for answer in self.under_way:
            self._deliver(answer)
        for seconds in (61, 3600, 86_400, 29 * 86_400, 2 * 86_400):
            self.the_session_is_that_of_the_last_login()
            for worker in (0, 1):
                self.world.jar.receive(self.ask(worker, "/who", SCRIPT))
            self.world.provider.clock.advance(seconds)
        self.the_session_is_that_of_the_last_login()


@pytest.mark.parametrize("storage", ["cookies", "sqlite", "cookies beside sqlite"])
@pytest.mark.parametrize("framework", [FlaskFramework(), QuartFramework()], ids=lambda framework: framework.name)
def test_no_order_of_events_brings_a_session_back(framework: Framework, storage: str) -> None:
    machine = type("Machine", (SessionMachine,), {"framework": framework, "storage": storage})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("SESSION_MACHINE_EXAMPLES", "6")),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
