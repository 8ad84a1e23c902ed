"""Sealed text: anyone who holds it can neither read it, nor change it, nor use it for anything else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import pytest

from oidc_async.sealing import Sealer

SECRET = b"the present secret of the tests"
FORMER = b"the former secret of the tests"
STRANGE = b"the secret of another application"
DATA = b"an access token that nobody may see"


def test_a_name_is_another_one_for_each_text_purpose_and_secret() -> None:
    """threat model 351: and the same one in each process"""
    names = [
        Sealer([secret]).keyed_hash(purpose, text)
        for secret in (SECRET, FORMER)
        for purpose in ("logout", "session")
        for text in ("alice", "bob", "")
    ]
    assert len(set(names)) == len(names)
    assert Sealer([SECRET, FORMER]).keyed_hash("logout", "alice") == names[0]
    assert all(len(name) == 64 for name in names)


def sealed() -> str:
    return Sealer([SECRET]).seal("session", "cookie-name", DATA)


@pytest.mark.parametrize("data", [b"", b"a", DATA, bytes(range(256)) * 100])
def test_what_was_sealed_can_be_opened(data: bytes) -> None:
    sealer = Sealer([SECRET])
    assert sealer.open("session", "cookie-name", sealer.seal("session", "cookie-name", data)) == data


@pytest.mark.parametrize(
    ("purpose", "context"),
    [("login", "cookie-name"), ("logout", "cookie-name"), ("session", "other-name"), ("session", ""), ("", "")],
)
def test_what_was_sealed_for_one_purpose_and_place_opens_for_no_other(purpose: str, context: str) -> None:
    """threat model 159"""
    assert Sealer([SECRET]).open(purpose, context, sealed()) is None


def test_the_purpose_and_the_context_are_not_mistaken_for_each_other() -> None:
    """threat model 159"""
    sealer = Sealer([SECRET])
    assert sealer.open("ab", "c", sealer.seal("a", "bc", DATA)) is None


def test_a_change_anywhere_is_noticed() -> None:
    """threat model 160"""
    raw = urlsafe_b64decode(sealed() + "==")
    changed = [raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :] for place in range(len(raw))]
    opened = {Sealer([SECRET]).open("session", "cookie-name", _encoded(text)) for text in changed}
    assert opened == {None}


def test_a_cut_anywhere_is_noticed() -> None:
    """threat model 160"""
    text = sealed()
    cut = {Sealer([SECRET]).open("session", "cookie-name", text[:end]) for end in range(len(text))}
    tail = {Sealer([SECRET]).open("session", "cookie-name", text[start:]) for start in range(1, len(text) + 1)}
    assert cut | tail == {None}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + text,
        lambda text: text + "A",
        lambda text: text + "AAAA",
        lambda text: text + "!",
        lambda text: "!" + text,
        lambda text: text[:20] + "\n" + text[20:],
        lambda text: text[:20] + " " + text[20:],
        lambda text: text.upper(),
        lambda text: "ü" + text[1:],
        lambda text: "\ud800" + text[1:],
        lambda text: "\x00" * len(text),
        lambda text: "=" * len(text),
        lambda text: "",
        lambda text: "A",
        lambda text: "AA",
        lambda text: "A" * 1_000_000,
        lambda text: "!" * 1_000_000,
    ],
    ids=[
        "twice",
        "longer by one",
        "longer by four",
        "junk after",
        "junk before",
        "line end",
        "space",
        "capitals",
        "outside ASCII",
        "lone surrogate",
        "null",
        "padding only",
        "empty",
        "one character",
        "two characters",
        "a million letters",
        "a million marks",
    ],
)
def test_what_is_not_sealed_text_is_nothing(change: Callable[[str], str]) -> None:
    """threat model 160, 162"""
    assert Sealer([SECRET]).open("session", "cookie-name", change(sealed())) is None


def test_another_secret_opens_nothing() -> None:
    """threat model 160"""
    assert Sealer([STRANGE]).open("session", "cookie-name", sealed()) is None


def test_a_former_secret_opens_and_the_present_one_seals() -> None:
    """threat model 160"""
    before, during, after = Sealer([FORMER]), Sealer([SECRET, FORMER]), Sealer([SECRET])
    assert during.open("session", "name", before.seal("session", "name", DATA)) == DATA
    assert after.open("session", "name", during.seal("session", "name", DATA)) == DATA
    assert before.open("session", "name", during.seal("session", "name", DATA)) is None
    assert after.open("session", "name", before.seal("session", "name", DATA)) is None


def test_the_same_data_never_looks_the_same() -> None:
    """threat model 164"""
    assert len({sealed() for _ in range(100)}) == 100


def test_what_is_sealed_is_not_in_the_text() -> None:
    """threat model 164"""
    raw = urlsafe_b64decode(sealed() + "==")
    assert not any(DATA[start : start + 4] in raw for start in range(len(DATA) - 4))


def test_secrets_are_not_in_what_a_debugger_shows() -> None:
    """threat model 251"""
    sealer = Sealer([SECRET])
    sealer.seal("session", "cookie-name", DATA)
    assert SECRET.decode() not in f"{sealer!r} {vars(sealer)['_cipher']!r}"


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
