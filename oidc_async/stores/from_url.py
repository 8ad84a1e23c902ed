"""Creates a store from a URL, for configurations."""

from urllib.parse import unquote, urlsplit

from oidc_async.errors import ConfigurationError

from .memory import MemoryStore
from .port import StoreChoice
from .redis import RedisStore
from .sqlite import SQLiteStore

_FORMS = "redis://host, rediss://host, unix:///path of a Redis socket, sqlite:///absolute/path and memory:"


def store_from_url(url: str) -> StoreChoice:
    """Create the store that a URL names.

    Args:
        url: `redis://`, `rediss://` or `unix://` with the options of redis-py, `sqlite:///path`, or `memory:`. The
            path of `sqlite:///path` is absolute; a fourth slash makes no difference.

    Raises:
        ConfigurationError: the URL is none of these. The message shows the scheme only, because the rest may contain
            a password.
    """
    scheme = _scheme(url)
    if scheme in ("redis", "rediss", "unix"):
        return RedisStore.from_url(url)
    if scheme == "sqlite":
        return SQLiteStore(_path(url))
    if url in ("memory:", "memory://"):
        return MemoryStore()
    hint = (
        "; for Sentinel, pass RedisStore(sentinel.master_for(...)) instead of a URL" if "sentinel" in scheme else ""
    )
    raise ConfigurationError(
        f"a store URL must be one of {_FORMS}; not {scheme or 'a URL without a scheme'}{hint}", setting="url"
    )


def _scheme(url: str) -> str:
    # In a string that is not a URL, the text before a colon may be anything, even a password.
    scheme, mark, _ = url.partition("://")
    return scheme.lower() if mark and scheme.replace("+", "").isalnum() else ""


def _path(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_plain = not (parts.netloc or parts.query or parts.fragment) and len(parts.path) > 1
    except ValueError:
        is_plain = False
    if not (is_plain and url.partition(":")[2].startswith("///")):
        raise ConfigurationError(
            "an SQLite store URL must be sqlite:///absolute/path, without host, query and fragment", setting="url"
        )
    return "/" + unquote(urlsplit(url).path).lstrip("/")
