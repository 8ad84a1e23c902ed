"""The cache of tokens: nothing wrong, not for too long, and not too much. threat model 129 to 133, 230."""

from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from oidc_async.caching.generational_cache import GenerationalCache
from oidc_async.errors import ClaimInvalid, ConfigurationError, TokenInactive
from oidc_async.protocol.access_grant import Access
from oidc_async.resource_server.token_cache import BYTES_PER_ENTRY, MAX_SCOPES, AccessCache
from tests.hypothesis_profiles import examples


def access(subject: str = "alice", *, scope: str = "read", padding: int = 0) -> Access:
    return Access.of({"sub": subject, "scope": scope, "padding": "x" * padding})


def subject(found: Access | None) -> str | None:
    return None if found is None else found.subject


# Valid tokens


def test_a_cached_access_has_all_claims() -> None:
    cache = AccessCache()
    cache.keep(b"a", access(scope="write read"), 100, 0)
    found = cache.find(b"a", 1)
    assert found is not None
    assert found.to_dict() == access(scope="write read").to_dict()
    assert found.scopes == {"read", "write"}
    assert cache.find(b"b", 1) is None
    assert len(cache) == 1


@pytest.mark.parametrize(
    ("seconds", "lifetime", "known_until"),
    [
        pytest.param(60, 1000, 60, id="129, 130: the cap, when the token lasts longer"),
        pytest.param(60, 10, 10, id="129: the token's end, when that comes first"),
        pytest.param(60, 0.25, 0.25, id="133: a fraction"),
        pytest.param(60, 1e300, 60, id="133: for ever"),
    ],
)
def test_a_valid_token_is_cached_until_the_first_end(seconds: float, lifetime: float, known_until: float) -> None:
    """threat model 129, 130, 133."""
    cache = AccessCache(seconds=seconds)
    cache.keep(b"a", access(), lifetime, 1000)
    assert cache.find(b"a", 1000) is not None
    assert cache.find(b"a", 1000 + known_until * 0.999) is not None
    assert cache.find(b"a", 1000 + known_until) is None
    assert len(cache) == 0


@pytest.mark.parametrize(("seconds", "lifetime"), [(0, 100), (60, 0), (60, -5)], ids=["off", "over", "long over"])
def test_what_has_no_time_left_is_not_kept(seconds: float, lifetime: float) -> None:
    """threat model 129."""
    cache = AccessCache(seconds=seconds)
    cache.keep(b"a", access(), lifetime, 0)
    assert cache.find(b"a", 0) is None
    assert len(cache) == 0


def test_two_who_find_the_same_share_nothing() -> None:
    """threat model 247."""
    cache = AccessCache()
    cache.keep(b"a", access(), 100, 0)
    one, other = cache.find(b"a", 1), cache.find(b"a", 1)
    assert one is not None
    one.claims["sub"] = "mallory"
    assert (subject(other), subject(cache.find(b"a", 1))) == ("alice", "alice")


def test_the_latest_word_holds() -> None:
    cache = AccessCache(entries=4)
    for name in ("alice", "bob", "carol"):
        cache.keep(b"a", access(name), 100, 0)
        assert subject(cache.find(b"a", 0)) == name


# Invalid tokens


def test_a_rejection_is_cached_briefly() -> None:
    """threat model 131."""
    cache = AccessCache(refused_seconds=5)
    cache.keep_rejection(b"a", TokenInactive("inactive"), 100)
    assert isinstance(cache.find_rejection(b"a", 100), TokenInactive)
    assert isinstance(cache.find_rejection(b"a", 104.9), TokenInactive)
    assert cache.find_rejection(b"a", 105) is None
    assert cache.find_rejection(b"b", 100) is None
    assert cache.find(b"a", 100) is None
    assert len(cache) == 0


def test_rejections_need_not_be_cached() -> None:
    cache = AccessCache(refused_seconds=0)
    cache.keep_rejection(b"a", TokenInactive("inactive"), 0)
    assert cache.find_rejection(b"a", 0) is None


def test_a_flood_of_invalid_tokens_does_not_evict_valid_ones_and_is_bounded() -> None:
    """threat model 131, 230."""
    cache = AccessCache(entries=100)
    for number in range(50):
        cache.keep(b"good%d" % number, access(str(number)), 60, 0)
    for number in range(10_000):
        cache.keep_rejection(b"bad%d" % number, ClaimInvalid("no", claim="aud"), 0)
    assert [subject(cache.find(b"good%d" % number, 1)) for number in range(50)] == [str(n) for n in range(50)]
    cached = [number for number in range(10_000) if cache.find_rejection(b"bad%d" % number, 1)]
    assert 5 <= len(cached) <= 10
    assert cached[-1] == 9_999


def test_a_token_can_be_invalidated_whatever_is_cached() -> None:
    """threat model 237."""
    cache = AccessCache()
    for key in (b"a", b"b"):
        cache.keep(key, access(), 60, 0)
        cache.keep_rejection(key, TokenInactive("inactive"), 0)
    cache.invalidate(b"a", 1)
    cache.invalidate(b"unknown", 1)
    assert (cache.find(b"a", 0), cache.find_rejection(b"a", 0)) == (None, None)
    assert cache.find(b"b", 0)
    assert cache.find_rejection(b"b", 0)


# Bounds


@pytest.mark.parametrize("entries", [0, 1, 2, 3, 10, 1000])
def test_entries_are_bounded(entries: int) -> None:
    """threat model 230."""
    cache = AccessCache(entries=entries)
    for number in range(3000):
        cache.keep(b"%d" % number, access(), 60, 0)
        assert len(cache) <= entries
    assert len(cache) >= entries // 2
    assert (cache.find(b"2999", 0) is not None) is (entries > 0)


def test_what_is_used_stays_and_what_is_not_goes() -> None:
    """threat model 230."""
    cache = AccessCache(entries=10)
    for key in (b"used", b"unused"):
        cache.keep(key, access(), 60, 0)
    for number in range(100):
        cache.keep(b"%d" % number, access(), 60, 0)
        assert cache.find(b"used", 0)
    assert cache.find(b"unused", 0) is None


def test_large_claims_make_them_fewer() -> None:
    """threat model 230."""
    cache = AccessCache(entries=100)
    for number in range(300):
        cache.keep(b"%d" % number, access(padding=10 * BYTES_PER_ENTRY), 60, 0)
    assert 4 <= len(cache) <= 10


def test_claims_too_large_for_any_bound_are_kept_two_at_a_time() -> None:
    cache = AccessCache(entries=10)
    for number in range(30):
        cache.keep(b"%d" % number, access(padding=100 * BYTES_PER_ENTRY), 60, 0)
        assert len(cache) <= 2
    assert cache.find(b"29", 0)


def test_expired_entries_leave_by_themselves() -> None:
    """threat model 230."""
    cache = AccessCache(seconds=60, entries=100_000)
    for number in range(100):
        cache.keep(b"%d" % number, access(), 60, 0)
    cache.keep(b"a", access(), 60, 61)
    cache.keep(b"b", access(), 60, 122)
    assert len(cache) == 2


def test_no_entry_is_given_up_because_time_has_passed_for_others() -> None:
    """An entry that was evicted by the count is not evicted again by the time."""
    cache = AccessCache(seconds=60, entries=8)
    cache.keep(b"first", access(), 60, 0)
    for number in range(3):
        cache.keep(b"%d" % number, access(), 60, 59)
    cache.keep(b"late", access(), 60, 59)
    cache.keep(b"later", access(), 60, 60)
    cache.keep(b"latest", access(), 60, 61)
    assert cache.find(b"2", 61)


def test_the_memory_of_scopes_is_bounded() -> None:
    """threat model 230."""
    cache = AccessCache()
    for number in range(3 * MAX_SCOPES):
        cache.keep(b"a", access(scope=f"scope{number}"), 60, 0)
        found = cache.find(b"a", 0)
        assert found is not None
        assert found.scopes == {f"scope{number}"}
    assert len(vars(cache)["_scopes"]) <= MAX_SCOPES


@pytest.mark.parametrize("name", ["seconds", "refused_seconds", "entries"])
@pytest.mark.parametrize("value", [-1, 1e9, float("nan"), float("inf"), "60", None, True], ids=str)
def test_an_argument_that_is_not_a_number_is_rejected(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} of AccessCache"):
        AccessCache(**{name: value})


def test_nothing_is_shared_between_caches() -> None:
    """threat model 240."""
    one, other = AccessCache(), AccessCache()
    one.keep(b"a", access(), 60, 0)
    one.keep_rejection(b"b", TokenInactive("inactive"), 0)
    assert (other.find(b"a", 0), other.find_rejection(b"b", 0)) == (None, None)


# Against a model

KEYS = st.sampled_from([b"%d" % number for number in range(12)])


class CacheMachine(RuleBasedStateMachine):
    """A cache beside a model that keeps everything, in the order of its last use."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.count = 0
        self.model: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    @initialize(entries=st.integers(0, 9), seconds=st.sampled_from([1.0, 10.0, 60.0]))
    def begin(self, entries: int, seconds: float) -> None:
        self.entries, self.seconds = entries, seconds
        self.cache = AccessCache(seconds=seconds, entries=entries)

    @rule(key=KEYS, lifetime=st.sampled_from([-1.0, 0.0, 0.5, 5.0, 30.0, 1e9]))
    def keep(self, key: bytes, lifetime: float) -> None:
        self.count += 1
        self.cache.keep(key, access(str(self.count)), lifetime, self.now)
        if lifetime > 0 and self.entries:
            self.model[key] = (str(self.count), self.now + min(lifetime, self.seconds))
            self.model.move_to_end(key)

    @rule(key=KEYS)
    def find(self, key: bytes) -> None:
        found = subject(self.cache.find(key, self.now))
        value, deadline = self.model.get(key, (None, 0.0))
        if self.now >= deadline:
            assert found is None
            self.model.pop(key, None)
        elif found is None:
            assert key not in self.recent()
            del self.model[key]
        else:
            assert found == value
            self.model.move_to_end(key)

    @rule(key=KEYS)
    def forget(self, key: bytes) -> None:
        self.cache.invalidate(key, self.now)
        self.model.pop(key, None)

    @precondition(lambda self: self.model)
    @rule(seconds=st.sampled_from([0.25, 1.0, 9.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    def recent(self) -> list[bytes]:
        """Those used last, as many as half the cache holds: they must be there."""
        half = self.entries // 2
        return list(self.model)[-half:] if half else []

    @invariant()
    def bounded(self) -> None:
        if hasattr(self, "cache"):
            assert len(self.cache) <= self.entries


TestCacheAgainstAModel = CacheMachine.TestCase
TestCacheAgainstAModel.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)


def test_a_key_is_counted_once_however_often_it_is_used() -> None:
    generations: GenerationalCache[str] = GenerationalCache(4, 4, 60, lambda _: 1)
    for key in (b"a", b"b", b"c", b"a", b"a", b"c", b"a"):
        generations.put(key, key.decode(), 0)
        assert generations.get(key) == key.decode()
        assert len(generations) <= 4
