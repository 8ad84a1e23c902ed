"""A pytest plugin that writes down all cases with parameters, to the file COLLECTED_CASES."""

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    yield
    with Path(os.environ["COLLECTED_CASES"]).open("a") as file:
        for call in metafunc._calls:
            case = {"test": metafunc.definition.nodeid, "id": call.id, "indices": call.indices}
            print(json.dumps(case), file=file)
