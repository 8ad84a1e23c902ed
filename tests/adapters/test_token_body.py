"""A token in a form, which has to be allowed, and leaves the form to the view (RFC 6750 2.2)."""

import json
from typing import Any

import pytest

from .api import Api, MakeApi, require_rejection
from .site import Framework, Views
from .toolbox import toolbox


class TestTheBody:
    """RFC 6750 2.2, threat model 140"""

    @pytest.fixture
    def api(self, make_api: MakeApi, framework: Framework) -> Api:
        return make_api(views=body_views(framework), config={"OIDC_BEARER_IN_BODY": True})

    def test_is_not_looked_into_by_default(self, make_api: MakeApi, framework: Framework) -> None:
        api = make_api(views=body_views(framework))
        token = api.token()
        page = api.call("/form", method="POST", data={"access_token": token})
        assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")
        assert api.call("/form", token, method="POST", data={"access_token": token}).status_code == 200

    def test_may_hold_the_token_when_the_setting_says_so(self, api: Api) -> None:
        token = api.token()
        for _ in ("unknown", "known"):
            page = api.call("/form", method="POST", data={"access_token": token, "name": "value"})
            assert page.json() == {"access_token": [token], "name": ["value"]}

    def test_may_be_without_one(self, api: Api) -> None:
        page = api.call("/form", api.token(), method="POST", data={"name": "value"})
        assert page.json() == {"name": ["value"]}
        assert api.call("/form", method="POST", data={"name": "value"}).status_code == 401

    @pytest.mark.parametrize("body", [b"access_token={}&a=b%20c", b"a=b;c&&access_token={}", b"access_token={}"])
    def test_is_read_by_the_view_as_it_came(self, api: Api, body: bytes) -> None:
        body = body.replace(b"{}", api.token().encode())
        headers = {"content-type": "application/x-www-form-urlencoded"}
        for _ in ("unknown", "known"):
            assert api.call("/raw", method="POST", content=body, headers=headers).content == body

    def test_and_the_header_are_too_much(self, api: Api) -> None:
        token = api.token()
        for _ in ("unknown", "known"):
            page = api.call("/form", token, method="POST", data={"access_token": token})
            require_rejection(page, 400, "invalid_request")
            assert api.call("/form", token, method="POST").status_code == 200

    @pytest.mark.parametrize("values", [["", ""], ["{}", "{}"], ["{}", "other"]])
    def test_holds_one_token(self, api: Api, values: list[str]) -> None:
        token = api.token()
        data = {"access_token": [value.replace("{}", token) for value in values]}
        require_rejection(api.call("/form", method="POST", data=data), 400, "invalid_request")

    def test_is_a_form(self, api: Api) -> None:
        token = api.token()
        line = "\r\n"
        part = f'content-disposition: form-data; name="access_token"{line}{line}{token}'
        whole = f"--boundary{line}{part}{line}--boundary--{line}"
        for content, content_type in (
            (whole, "multipart/form-data; boundary=boundary"),
            (json.dumps({"access_token": token}), "application/json"),
            (f"access_token={token}", "text/plain"),
            (f"access_token={token}", ""),
        ):
            page = api.call("/form", method="POST", content=content, headers={"content-type": content_type})
            assert (page.status_code, page.headers["www-authenticate"]) == (401, "Bearer")

    def test_of_a_get_is_none(self, api: Api) -> None:
        page = api.call("/form", method="GET", data={"access_token": api.token()})
        assert page.status_code == 401

    def test_leaves_other_schemes_alone(self, api: Api) -> None:
        headers = {"authorization": "Basic YTpi"}
        page = api.call("/form", method="POST", data={"access_token": api.token()}, headers=headers)
        assert page.status_code == 200


def body_views(framework: Framework) -> Views:
    """`/form` tells the fields of the form, `/raw` the body."""
    tools = toolbox(framework)

    def add_views(app: Any, auth: Any) -> None:
        def form() -> Any:
            return tools.jsonify(tools.request.form.to_dict(flat=False))

        async def form_async() -> Any:
            return tools.jsonify((await tools.request.form).to_dict(flat=False))

        def raw() -> Any:
            return tools.request.get_data()

        async def raw_async() -> Any:
            return await tools.request.get_data()

        views = (form, raw) if framework.name == "flask" else (form_async, raw_async)
        for path, view in zip(("/form", "/raw"), views, strict=True):
            app.add_url_rule(path, path, auth.token_auth("default")(view), methods=["GET", "POST"])

    return add_views
