"""The check of words finds what was planted, and leaves other sentences alone."""

from pathlib import Path

import pytest

from tests.project import words

OLD = [
    ("Show the view to who brings a good bearer token.", {"who brings", "to who", "good bearer token"}),
    ("The access token of who is logged in", {"of who"}),
    ("What is told of a token", {"What is told", "is told", "told of"}),
    ("The provider failed a moment ago.", {"a moment ago"}),
    ("Metadata that are laid over the discovered ones", {"laid over"}),
    ("All of them, but for the keys", {"but for"}),
    ("others will register anew", {"anew"}),
    ("It was asked for them in vain.", {"in vain"}),
    ("a refresh token that the provider takes no more", {"takes no more"}),
    ("A view guarded by a login", {"guarded"}),
    ("It is asked about again.", {"asked about"}),
    ("A form is asked for once more by GET.", {"asked for once"}),
    ("No other route of ours is answered.", {"of ours"}),
    ("The token is forgotten.", {"forgotten"}),
    ("Work takes off again when it lands.", {"takes off", "lands"}),
    ("Go on", {"Go on"}),
    ("That was no login", {"That was no login"}),
    ("A bad token is refused.", {"bad token", "refused"}),
    ("It refuses the token.", {"refuses"}),
    ("What is no JWT fails.", {"What is no", "is no"}),
    ("a form of the page; who wants POST says so.", {"who wants"}),
    ("Whoever types it", {"Whoever"}),
    ("broken over a\nmoment ago", {"a moment ago"}),
]
HONEST = [
    "The connection was refused.",
    "A server may refuse the connection.",
    "There is no client that can introspect.",
    "Alice, who is logged in, continues.",
    "Who is logged in? The session says it.",
    "The token is no longer valid.",
    "JWT stands for JSON Web Token.",
    "Call `server.forget` with the token.",
    "The document at https://example.com/refused is an example.",
    "RP-initiated logout; safeguards",
    "What is new in this version",
    "Single flight: callers join it.",
]


@pytest.mark.parametrize(("text", "found"), OLD, ids=[text for text, _ in OLD])
def test_old_words_are_found(text: str, found: set[str]) -> None:
    assert {finding.found for finding in words.find_in_prose(text)} == found


@pytest.mark.parametrize("text", HONEST)
def test_other_sentences_are_accepted(text: str) -> None:
    assert list(words.find_in_prose(text)) == []


PLANTED = '''\
"""A module.

Its view is
guarded.
"""
from asyncio import twin  # anew

# all tokens, but
# for one
def is_refused(name: str) -> str:
    message = (
        "It failed a moment "
        f"ago: {name}"
    )
    return message or f"refused: {name}"
ConnectionRefusedError
'''


def test_docstrings_comments_strings_and_names_of_python_are_searched() -> None:
    found = {(finding.line, finding.found) for finding in words.find_in_python(PLANTED)}
    assert found == {
        (4, "guarded"),
        (6, "twin"),
        (6, "anew"),
        (8, "but for"),
        (10, "is_refused"),
        (12, "a moment ago"),
        (15, "refused"),
    }


def test_a_finding_says_where_it_is_and_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "guide.md").write_text("# Guide\n\nThe token is\nasked about.\n")
    (finding,) = words.find_in_file(tmp_path / "guide.md", tmp_path)
    assert str(finding) == "guide.md:4: asked about -> introspected"


def test_the_name_of_a_module_is_searched(tmp_path: Path) -> None:
    (tmp_path / "guarded_view.py").write_text("")
    assert [finding.found for finding in words.find_in_file(tmp_path / "guarded_view.py", tmp_path)] == [
        "guarded_view"
    ]


@pytest.mark.parametrize("name", ["refused_hits", "LoginRefused", "single_flight", "forget", "pending_logins"])
def test_public_names_are_accepted(name: str) -> None:
    assert list(words.find_in_identifier(name)) == []
