"""A check of words: finds expressions that the glossary of this project has replaced, and says what to write instead.

`python -m tests.project.words PATH...` checks those files and folders; without a path it checks all of them.
Prose is Markdown, HTML, docstrings, comments and strings. An identifier is checked as the words
that it consists of, so `is_refused` is found like "is refused".
"""

import io
import os
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

EXEMPT = {
    "tests/project/words.py": "lists the words",
    "tests/project/test_words.py": "plants them",
    "tests/providers/node/package-lock.json": "is not written by us",
}


@dataclass(frozen=True)
class Rule:
    """An expression and what to write instead; a space in `old` matches any white space."""

    old: str
    write: str
    hint: str = ""
    """A part of every text that matches, in lower case; it makes the search fast."""
    in_names: bool = True


RULES = (
    # guarded views and who may see them
    Rule(r"guard(?:s|ed|ing)?", "protect, protected", "guard"),
    Rule(r"who brings?", "name the subject: a request with a bearer token", "who bring"),
    Rule(
        r"(?:of|to|from|for|with|by|than) who(?:ever)?",
        "name the subject: the user who ..., a client that ...",
        "who",
    ),
    Rule(r"(?<=[.:;] )who \w+(?=[^?\n]*[,.](?!\w))", "name the subject: a client that ...", "who"),
    Rule(r"whoever", "anyone who", "whoever"),
    # what the provider says of a token
    Rule(
        r"what (?:is|was|are|were) (?:told|asked|refused|remembered|brought|said|kept|known|no|of)",
        "name the thing: the introspection response, the claims, the request",
        "what",
    ),
    Rule(r"(?:tell|tells|told) of", "name the thing: the introspection response, the claims", "of"),
    Rule(r"(?:is|are|was|were|be|been) told(?! apart)", "learns, receives; the response states ...", "told"),
    Rule(r"asked about", "introspected", "asked about"),
    Rule(r"asked for once", "requested again, redirected to GET", "asked for once"),
    Rule(r"(?:un)?known tokens?", "cached token, uncached token", "known token"),
    Rule(
        r"(?:good|bad) (?:(?:access|bearer|id|logout|refresh) )?"
        r"(?:tokens?|signatures?|responses?|answers?|sessions?|secrets?|cookies?|codes?|assertions?|certificates?)",
        "valid, invalid",
        "d ",
    ),
    Rule(r"found good", "found valid", "found good"),
    Rule(r"refus(?:e|es|ed|ing|al|als)", "reject, rejected, rejection", "refus"),
    # claims
    Rule(r"claims of others", "aggregated and distributed claims", "claims of others"),
    Rule(r"others vouch", "aggregated and distributed claims", "others vouch"),
    # logins and refreshes
    Rule(r"access tokens that last", "refreshing access tokens", "that last"),
    Rule(r"another site begins", "third-party-initiated login", "another site begins"),
    Rule(r"a view begins", "starting a login from a view", "a view begins"),
    Rule(r"(?:the|no|a|without) way back", "return URL", "way back"),
    Rule(r"return path", "return URL", "return path", in_names=False),
    Rule(r"relay page", "response relay", "relay page"),
    Rule(r"that was no login", "Login failed", "that was no login"),
    Rule(r"go(?:es|ing)? on(?! to)", "continue", " on"),
    # sessions
    Rule(r"where sessions (?:may )?live", "session storage", "live"),
    Rule(r"a frame that watches", "OIDC Session Management (check_session_iframe)", "a frame that watches"),
    Rule(r"markers?", "session revocation", "marker"),
    Rule(r"marks? of (?:an )?ended sessions?", "session revocations", "ended session"),
    # work that is shared, kept and repeated
    Rule(r"forg(?:et|ets|etting|otten)", "invalidate, invalidation", "forg"),
    Rule(r"remember(?:s|ed|ing)", "cached, kept; cached fetch", "remember"),
    Rule(r"leas(?:e|es)", "distributed lock", "leas"),
    Rule(r"tak(?:e|es|ing) off", "single flight: start", " off"),
    Rule(r"land(?:s|ed|ing)", "single flight: complete", "land"),
    Rule(r"boards", "single flight: join", "boards"),
    Rule(r"leav(?:e|es|ing) (?:a|the) provider alone", "circuit breaker", "provider alone"),
    Rule(r"left alone", "circuit breaker; unchanged", "left alone"),
    Rule(r"its turn did not come", "timed out waiting for ...", "its turn did not come"),
    Rule(r"that we promise", "minimum supported versions", "we promise"),
    # turns of phrase
    Rule(r"(?:every|each|enough|nothing) to go on", "name the thing", "to go on"),
    Rule(r"a moment ago", "recently, or the number of seconds", "a moment ago"),
    Rule(r"(?:laid|lay|lays) over", "merged into, added to", " over"),
    Rule(r"but for", "except", "but for"),
    Rule(r"anew", "again", "anew"),
    Rule(r"in vain", "without success; fails", "in vain"),
    Rule(r"takes? no more", "no longer accepts", "no more"),
    Rule(r"without benefit of the doubt", "strict", "benefit of the doubt"),
    Rule(r"of ours", "our ..., or the package's name", "of ours"),
    Rule(r"stands(?! for)", "is, applies", "stands"),
    Rule(r"(?<!there )(?<!here )is no(?= (?!longer|more|less|worse|different|such)\w)", "is not a ...", "is no"),
    Rule(
        r"(?<!there )(?<!here )(?<!which )are no(?= (?!longer|more|less|worse|different|such)\w)",
        "are not ...",
        "are no",
    ),
)

IDENTIFIERS = {
    "twin": "copy_error",
    "finish": "run_without_loop, or a verb that says what ends",
    "once": "run_exclusively",
    "Visit": "RequestContext",
    "Exchange": "RequestContext",
    "carrier": "environ, scope",
    "admits": "try_cached",
    "find_out": "authenticate",
    "board": "join",
    "land": "complete",
    "take_off": "start",
    "Pause": "CircuitBreaker",
    "Generations": "GenerationalCache",
}
"""Names that are found as a whole, leading underscores aside."""

PUBLIC_NAMES = {
    "AuthorizationRefused",
    "LoginRefused",
    "RequestObjectRefused",
    "token_cache_refused_seconds",
    "refused_seconds",
    "refused_hits",
    "forget",
    "forget_requests",
}
"""Names that users of the library write: errors, settings and arguments."""

FOREIGN_NAMES = {
    "BadSignatureError",
    "ConnectionRefusedError",
    "ECONNREFUSED",
    "TypeGuard",
    "get_closest_marker",
    "iter_markers",
    "markers",
}
"""Names of Python, of its library, of pytest and of joserfc."""

QUOTED = tuple(
    re.compile(old.replace(" ", r"\s+"), re.IGNORECASE)
    for old in (
        r"connections?(?: (?:is|are|was|were|being))? refus(?:ed|al|es|ing)",  # the name of TCP's answer
        r"refus(?:e|es|ed|ing) (?:the |a |all |new |every )?connections?",
        r"(?:landing|landed on|lands on)(?= pages?| the page)",
        r"pytest\.mark\w*",
        r"\.forget\(",  # a public method
        r"`[^`\s]+`",  # names in prose: they are checked where they are defined
        r"https?://\S+",
    )
)
"""What is taken out before the rules are applied."""

EXCEPTIONS: tuple[tuple[str, str, str], ...] = (
    ("examples/demo.py", "once", "the option --once"),
    ("tests/*", "once", "a test's own name"),
    ("benchmarks/*", "once", "a benchmark's own name"),
    ("pyproject.toml", "markers", "an option of pytest"),
)
"""A pattern of paths, the words as they are found there, and the reason why they may stay."""

PROSE = {".md", ".html", ".css", ".js", ".mjs", ".toml", ".yml", ".yaml", ".sh", ".lua", ".cfg", ".conf"}
PROSE_NAMES = {"Makefile", "run", "Dockerfile"}
SKIPPED_FOLDERS = {"node_modules", "__pycache__", "build", "dist", "_build"}


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    found: str
    write: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found} -> {self.write}"


def _compiled(rule: Rule) -> re.Pattern[str]:
    # a lookbehind has a fixed width: a space in it, which the closing bracket follows, is one character
    pattern = rule.old.replace(" )", r"\s)").replace(" ", r"\s+")
    return re.compile(rf"(?<![\w-]){pattern}(?![\w-])", re.IGNORECASE)


_RULES = tuple((_compiled(rule), rule) for rule in RULES)


def find_in_prose(text: str, path: str = "", *, is_name: bool = False) -> Iterator[Finding]:
    """Apply the rules to a text; a finding has the line where it begins."""
    for quoted in QUOTED:
        text = quoted.sub(lambda match: re.sub(r"\S", "\x01", match[0]), text)
    lower = text.lower()
    flat = re.sub(r"\s+", " ", lower)
    for pattern, rule in _RULES:
        if rule.hint not in flat or (is_name and not rule.in_names):
            continue
        for match in pattern.finditer(text):
            found = " ".join(match[0].split())
            yield Finding(path, text.count("\n", 0, match.start()) + 1, found, rule.write)


def _words_of(name: str) -> str:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return " ".join(apart.replace("_", " ").split()).lower()


def find_in_identifier(name: str, line: int = 1, path: str = "") -> Iterator[Finding]:
    if name in PUBLIC_NAMES or name in FOREIGN_NAMES:
        return
    write = IDENTIFIERS.get(name.lstrip("_"))
    if write:
        yield Finding(path, line, name, write)
    for finding in find_in_prose(_words_of(name), is_name=True):
        yield Finding(path, line, name, f"{finding.write} (for: {finding.found})")


_STRINGS = {tokenize.STRING} | {
    getattr(tokenize, name) for name in ("FSTRING_MIDDLE", "TSTRING_MIDDLE") if hasattr(tokenize, name)
}
_QUOTES = re.compile(r"""^[a-zA-Z]*(?:\"\"\"|'''|"|')|(?:\"\"\"|'''|"|')$""")


def find_in_python(source: str, path: str = "") -> Iterator[Finding]:
    """Findings in comments, docstrings, other strings and names of a module."""
    names: dict[str, int] = {}
    lines = [re.sub(r"\S", "\x01", line) for line in source.splitlines()]
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            names.setdefault(token.string, token.start[0])
        elif token.type == tokenize.COMMENT or token.type in _STRINGS:
            kept = re.sub(r"^#+", lambda match: " " * len(match[0]), token.string)
            if token.type == tokenize.STRING:
                kept = _QUOTES.sub(lambda match: " " * len(match[0]), kept)
            (row, column), pieces = token.start, kept.split("\n")
            for offset, piece in enumerate(pieces):
                whole = lines[row - 1 + offset]
                at = column if offset == 0 else 0
                lines[row - 1 + offset] = whole[:at] + piece + whole[at + len(piece) :]
    yield from find_in_prose("\n".join(lines), path)
    for name, line in names.items():
        yield from find_in_identifier(name, line, path)


def find_in_file(file: Path, root: Path = ROOT) -> list[Finding]:
    path = file.resolve().relative_to(root).as_posix()
    if path in EXEMPT:
        return []
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        findings = [*find_in_python(text, path), *find_in_identifier(file.stem, 1, path)]
    else:
        findings = list(find_in_prose(re.sub(r"(?m)^(\s*)#+", r"\1 ", text), path))
    return sorted({finding for finding in findings if not _is_exception(finding)})


def _is_exception(finding: Finding) -> bool:
    return any(fnmatch(finding.path, path) and finding.found == words for path, words, _ in EXCEPTIONS)


def files_below(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(
            name for name in folders if name not in SKIPPED_FOLDERS and (name[0] != "." or name in (".github", ".ci"))
        )
        for name in sorted(names):
            if name in PROSE_NAMES or Path(name).suffix in {".py", *PROSE}:
                yield Path(folder, name)


def main(paths: list[str]) -> int:
    places = [Path(path) for path in paths] or [ROOT]
    files = [file.resolve() for place in places for file in files_below(place)]
    findings = [finding for file in files for finding in find_in_file(file)]
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} expressions to replace")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
