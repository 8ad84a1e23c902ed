"""Claims that every kind of JWT has."""

from typing import Any

import pytest

from oidc_async.errors import ClaimInvalid
from oidc_async.protocol.claims import read_audience


@pytest.mark.parametrize(
    ("value", "members"),
    [
        pytest.param("client", {"client"}, id="a string"),
        pytest.param(["client"], {"client"}, id="a list of one"),
        pytest.param(["client", "api", "client"], {"client", "api"}, id="a list with one twice"),
    ],
)
def test_the_audience_is_a_string_or_a_list_of_strings(value: Any, members: set[str]) -> None:
    assert read_audience({"aud": value}) == members


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="missing"),
        *[
            pytest.param({"aud": value}, id=f"aud {value}")
            for value in (None, "", 1, True, {}, {"client": 1}, [], [""], ["client", ""], ["client", 1], [["client"]])
        ],
    ],
)
def test_any_other_audience_is_rejected(claims: dict[str, Any]) -> None:
    with pytest.raises(ClaimInvalid, match="aud must be a string"):
        read_audience(claims)
