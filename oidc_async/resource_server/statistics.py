"""Counts of what happened to bearer tokens, for operators. They contain no token and no subject."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A snapshot of the counts of this process since it started.

    Attributes:
        hits: tokens that were cached as valid.
        refused_hits: tokens that were cached as invalid.
        misses: uncached tokens.
        joined: of the misses, those that waited for another caller's verification of the same token.
        store_hits: of the misses, those that another process had introspected.
        verified_here: JWTs whose signature this process verified.
        upstream_calls: introspection requests that were sent.
        failures: of the introspection requests, those that failed.
        paused: tokens that were rejected while the circuit breaker was open.
        entries: valid tokens that are cached now.
        queue_length: requests that wait now for a free connection to the provider.
        upstream_seconds: the total duration of all introspection requests with a response.
        longest_upstream_seconds: the duration of the slowest one.
    """

    hits: int = 0
    refused_hits: int = 0
    misses: int = 0
    joined: int = 0
    store_hits: int = 0
    verified_here: int = 0
    upstream_calls: int = 0
    failures: int = 0
    paused: int = 0
    entries: int = 0
    queue_length: int = 0
    upstream_seconds: float = 0.0
    longest_upstream_seconds: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """Return the counts by name."""
        return asdict(self)


class Counters:
    """The counters behind `Statistics`. They have no lock, as a lost count does less harm than waiting for one."""

    def __init__(self) -> None:
        self.hits = self.refused_hits = self.misses = self.joined = self.store_hits = 0
        self.verified_here = self.upstream_calls = self.failures = self.paused = 0
        self.upstream_seconds = self.longest_upstream_seconds = 0.0

    def answered(self, seconds: float) -> None:
        """Count a response that took so many seconds."""
        self.upstream_seconds += seconds
        self.longest_upstream_seconds = max(self.longest_upstream_seconds, seconds)

    def snapshot(self, *, entries: int, queue_length: int) -> Statistics:
        return Statistics(**vars(self), entries=entries, queue_length=queue_length)
