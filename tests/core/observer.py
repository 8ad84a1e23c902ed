"""What OpenTelemetry gets to see, kept for a test to look at."""

from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

DURATION = "oidc.provider.request.duration"


class Observer:
    """An SDK that keeps all that it is given, and knows nothing of any other test."""

    def __init__(self) -> None:
        self._reader, self._exporter = InMemoryMetricReader(), InMemorySpanExporter()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = tracers.get_tracer("tests")
        self.meter = MeterProvider([self._reader], shutdown_on_exit=False).get_meter("tests")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def metrics(self) -> dict[str, Metric]:
        data = self._reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """The points of one metric, by their attributes."""
        points = self.metrics()[name].data.data_points
        return {tuple(sorted((point.attributes or {}).items())): point for point in points}

    def value(self, name: str, **attributes: str) -> float:
        named = {f"oidc.{key}": value for key, value in attributes.items()}
        return float(self.points(name)[tuple(sorted(named.items()))].value)

    def told_by_spans(self) -> list[str]:
        return [span.to_json(indent=None) for span in self.spans]

    def told_by_metrics(self) -> list[str]:
        data = self._reader.get_metrics_data()
        return [data.to_json(indent=None)] if data else []

    def texts(self) -> list[str]:
        return self.told_by_spans() + self.told_by_metrics()


def attributes_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})
