"""How many request objects strangers can have kept: threat model 373."""

import secrets
from typing import Any

import pytest

from oidc_async.runtime.sync_facade import run_without_loop
from oidc_async.sealing import Sealer
from oidc_async.stores import MemoryStore
from oidc_async.web.routes import request_objects
from oidc_async.web.routes.request_objects import ServedRequestObjects

URI = "https://rp.example/request"
PLACES = 50


class Asked:
    """An authentication request whose object is to be served."""

    def __init__(self, uri: str = URI) -> None:
        self.name = f"{secrets.token_urlsafe(32)}.jwt"
        self.request_uri, self.request_object = f"{uri}/{self.name}", f"object of {self.name}"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    monkeypatch.setattr(request_objects, "PLACES", PLACES)
    return MemoryStore()


def keep(objects: ServedRequestObjects, asked: Any) -> None:
    run_without_loop(objects.keep(asked))


def served(store: MemoryStore, uri: str = URI) -> ServedRequestObjects:
    return ServedRequestObjects(store, Sealer([b"k" * 32]), uri, 600)


def test_a_flood_takes_its_places_and_no_more(store: MemoryStore) -> None:
    run_without_loop(store.put("session:alice", b"record", 600))
    objects, asked = served(store), [Asked() for _ in range(20 * PLACES)]
    for each in asked:
        keep(objects, each)
    assert len(store) <= PLACES + 1
    assert run_without_loop(store.get_many(["session:alice"])) == [b"record"]


def test_each_is_found_until_another_takes_its_place(store: MemoryStore) -> None:
    objects, asked = served(store), [Asked() for _ in range(20 * PLACES)]
    for each in asked:
        keep(objects, each)
        assert run_without_loop(objects.find(each.name)) == each.request_object
    found = [run_without_loop(objects.find(each.name)) for each in asked]
    kept = [(text, each.request_object) for text, each in zip(found, asked, strict=True) if text is not None]
    assert PLACES / 2 < len(kept) <= PLACES
    assert all(text == expected for text, expected in kept)


def test_applications_with_one_store_have_places_of_their_own(store: MemoryStore) -> None:
    other_uri = "https://other.example/request"
    ours, others, asked = served(store), served(store, other_uri), Asked()
    keep(ours, asked)
    for _ in range(20 * PLACES):
        keep(others, Asked(other_uri))
    assert run_without_loop(ours.find(asked.name)) == asked.request_object
    assert run_without_loop(others.find(asked.name)) is None
