"""A store as one line of a configuration."""

from urllib.parse import unquote, urlsplit

from oidc_async.errors import ConfigurationError

from .memory import MemoryStore
from .port import StoreChoice
from .redis import RedisStore
from .sqlite import SQLiteStore

_FORMS = "redis://host, rediss://host, unix:///path of a Redis socket, sqlite:///absolute/path and memory:"


def store_from_url(url: str) -> StoreChoice:
    """The store that a URL names: `redis://`, `rediss://` or `unix://`, `sqlite:///path`, or `memory:`.

    The path of `sqlite:///path` is absolute, also when it has one slash more. Raises ConfigurationError for anything
    else, with a message that shows no more of the URL than its scheme.
    """
    scheme = _scheme(url)
    if scheme in ("redis", "rediss", "unix"):
        return RedisStore.from_url(url)
    if scheme == "sqlite":
        return SQLiteStore(_path(url))
    if url in ("memory:", "memory://"):
        return MemoryStore()
    hint = (
        "; for Sentinel, give RedisStore(sentinel.master_for(...)) instead of a URL" if "sentinel" in scheme else ""
    )
    raise ConfigurationError(
        f"a store is one of {_FORMS}; not {scheme or 'a URL without a scheme'}{hint}", setting="url"
    )


def _scheme(url: str) -> str:
    # What stands before a colon may be anything, a password too, in what is no URL.
    scheme, mark, _ = url.partition("://")
    return scheme.lower() if mark and scheme.replace("+", "").isalnum() else ""


def _path(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_plain = not (parts.netloc or parts.query or parts.fragment) and len(parts.path) > 1
    except ValueError:
        is_plain = False
    if not (is_plain and url.partition(":")[2].startswith("///")):
        raise ConfigurationError("an SQLite store is sqlite:///absolute/path, and nothing more", setting="url")
    return "/" + unquote(urlsplit(url).path).lstrip("/")
