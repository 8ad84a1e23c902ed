"""What an operator needs to know of the tokens that came in. No token and no subject is in it."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A snapshot, counted in this process since it began.

    Parameters:
        hits: tokens that were known to be good.
        refused_hits: tokens that were known to be bad.
        misses: tokens that had to be found out about.
        joined: of those, how many waited for somebody who asked about the same token already.
        store_hits: of the misses, how many another process had found out about.
        verified_here: JWTs whose signature was verified here.
        upstream_calls: introspection requests that were sent.
        failures: of those, how many told nothing of the token.
        paused: tokens that were turned away because the provider had failed a moment before.
        entries: tokens that are kept now.
        queue_length: requests that wait now for their turn at the provider.
        upstream_seconds: how long all answered introspection requests took together.
        longest_upstream_seconds: how long the slowest one took.
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
        return asdict(self)


class Counters:
    """What `Statistics` are counted with. Without a lock: a lost count does no harm, a held lock would."""

    def __init__(self) -> None:
        self.hits = self.refused_hits = self.misses = self.joined = self.store_hits = 0
        self.verified_here = self.upstream_calls = self.failures = self.paused = 0
        self.upstream_seconds = self.longest_upstream_seconds = 0.0

    def answered(self, seconds: float) -> None:
        self.upstream_seconds += seconds
        self.longest_upstream_seconds = max(self.longest_upstream_seconds, seconds)

    def snapshot(self, *, entries: int, queue_length: int) -> Statistics:
        return Statistics(**vars(self), entries=entries, queue_length=queue_length)
