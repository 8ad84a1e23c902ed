"""With and without OpenTelemetry: everything works in the same way, and the guide says how to set it up."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from oidc_async.errors import ProviderError, ProviderOverloaded, ProviderTimeout, ProviderUnreachable
from oidc_async.runtime import telemetry
from tests.core.api import API, new_api
from tests.core.observed_calls import Scripted, asking, fail, know, outcome_of
from tests.core.observer import Observer
from tests.core.realm import new_realm
from tests.core.worlds import World

ERRORS = (ProviderUnreachable("no way"), ProviderTimeout("late"), ProviderOverloaded("full"))


@pytest.fixture
def api(either_world: World, observer: Observer) -> API:
    return new_api(either_world, latency=0.02)


@pytest.fixture
def looked_for_again() -> Iterator[None]:
    telemetry._exchanges.cache_clear()
    yield
    telemetry._exchanges.cache_clear()


@pytest.fixture(params=["observed", "API without SDK", "absent", "older"])
def any_telemetry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    kind: str = request.param
    request.getfixturevalue("observer" if kind == "observed" else "looked_for_again")
    if kind == "absent":
        for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "opentelemetry", None)
    if kind == "older":
        monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: OlderMeter())


class OlderMeter:
    def create_histogram(self, name: str, unit: str = "", description: str = "") -> None: ...


@pytest.mark.usefixtures("any_telemetry")
def test_everything_works_in_the_same_way(either_world: World) -> None:
    api = new_api(either_world)
    know(api)
    fail(api)
    assert new_realm(either_world).log_in().id_token["sub"] == "alice"
    counted = api.statistics
    assert (counted.hits, counted.misses, counted.upstream_calls, counted.failures) == (2, 4, 2, 1)


@pytest.mark.usefixtures("any_telemetry")
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_errors_pass_untouched(either_world: World, error: ProviderError) -> None:
    assert either_world.run(outcome_of(asking(Scripted(error)))) is error


@pytest.mark.usefixtures("looked_for_again")
def test_an_older_package_is_not_used_and_the_log_says_so(
    either_world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: OlderMeter())
    know(new_api(either_world))
    assert [record.getMessage() for record in caplog.records if record.name == "oidc_async.http"] == [
        "no metrics and spans: opentelemetry-api is older than 1.30"
    ]


def run_alone(program: str, *arguments: str) -> str:
    """What the program prints, in an interpreter that has seen nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], timeout=60, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


IMPORTING = """
import sys
import oidc_async, flask_oidc_async, quart_oidc_async, oidc_async.runtime.telemetry
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_who_imports_us_does_not_import_it() -> None:
    assert run_alone(IMPORTING) == "[]"


GLOBAL_PROVIDERS = """
import sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from oidc_async.testing import SimulatedProvider
from oidc_async import ClientMetadata, ProviderConfiguration, ResourceServer

reader, exporter = InMemoryMetricReader(), InMemorySpanExporter()

def set_providers():
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([reader]))

if sys.argv[1] == "before":
    set_providers()
provider = SimulatedProvider()
provider.register("api", "secret of the api")
configuration = ProviderConfiguration(
    provider.issuer, client_metadata=ClientMetadata("api", "secret of the api"), runtime=provider.blocking_runtime()
)
server = ResourceServer(configuration)
token = provider.issue_access_token("api")
if sys.argv[1] == "after":
    set_providers()
server.verify(token)
server.verify(token)
scopes = reader.get_metrics_data().resource_metrics[0].scope_metrics
found = {metric.name: metric for scope in scopes for metric in scope.metrics}
lookups = found["oidc.access_token.lookups"].data.data_points
lookups = {point.attributes["oidc.result"]: point.value for point in lookups}
durations = found["oidc.provider.request.duration"].data.data_points
print([scope.scope.name for scope in scopes], lookups, sum(point.count for point in durations))
print(list(durations[0].explicit_bounds)[:3], [span.name for span in exporter.get_finished_spans()])
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_providers_of_the_process_are_used_whenever_they_are_set(when: str) -> None:
    assert run_alone(GLOBAL_PROVIDERS, when).splitlines() == [
        "['oidc_async'] {'hit': 1, 'refused_hit': 0, 'miss': 1} 2",
        "[0.005, 0.01, 0.025] ['GET discovery', 'POST introspection']",
    ]


# The guide


GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "metrics-and-traces.md").read_text()


def test_the_guide_names_every_metric(api: API, observer: Observer) -> None:
    know(api)
    assert set(re.findall(r"^\| `([a-z_.]+)` \| (?:counter|gauge|histogram)", GUIDE, re.MULTILINE)) == set(
        observer.metrics()
    )


def test_the_code_of_the_guide_sets_an_sdk_up() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    using = (
        "trace.get_tracer('t').start_span('seen').end()\nmetrics.get_meter('t').create_counter('counted').add(1)\n"
    )
    printed = run_alone(code + using)
    assert '"name": "seen"' in printed
    assert '"name": "counted"' in printed
