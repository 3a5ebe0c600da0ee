//! Logs, spans, traces and metrics: one trace from the webhook to the answer, exported by OTLP when
//! `OTEL_EXPORTER_OTLP_ENDPOINT` is set. No phone, name, text, picture, token or wamid goes in.

pub mod metrics;
mod meter;
pub mod ingress;
pub mod worker;

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider as _};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Where the job's trace context travels: the W3C header's name.
const TRACE_PARENT: &str = "traceparent";

/// Logs and traces, the same for every program.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `RUST_LOG`.
    pub filter: String,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`; without it no trace leaves the process.
    pub otlp_endpoint: Option<String>,
}

/// Keeps the exporter alive; dropping it sends what is left.
#[must_use = "dropping it ends the export of traces"]
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

/// The settings of logs or traces are not usable.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` does not parse.
    #[error("RUST_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be made from `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Telemetry was started before in this process.
    #[error("telemetry: {0}")]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

impl Telemetry {
    /// Starts logs on stderr and traces for `service`, once a process.
    pub fn start(
        service: &'static str,
        settings: &TelemetrySettings,
    ) -> Result<Self, TelemetryError> {
        let filter = EnvFilter::try_new(&settings.filter)?;
        let resource = Resource::builder().with_service_name(service).build();
        let mut provider = SdkTracerProvider::builder().with_resource(resource);
        if let Some(endpoint) = &settings.otlp_endpoint {
            let exporter = opentelemetry_otlp::SpanExporter::builder()
                .with_http()
                .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
                .build()?;
            provider = provider.with_batch_exporter(exporter);
        }
        let provider = provider.build();
        let logs = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .with_target(false)
            .with_filter(filter);
        // Other crates' spans would drown ours, and some hold what must not leave.
        let traces = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("paragon"))
            .with_filter(EnvFilter::new("off,paragon=info"));
        tracing_subscriber::registry().with(traces).with(logs).try_init()?;
        std::panic::set_hook(Box::new(|panic| {
            // Where, and not what: a panic's words may quote what was being worked on.
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panicked: this is a mistake of ours");
        }));
        Ok(Self { provider })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

/// The W3C trace context of the current span, for a job to carry; `None` outside any trace.
pub fn current_trace_parent() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove(TRACE_PARENT)
}

/// Makes `span` go on with the trace that a job carried. A malformed context begins a new trace.
pub fn continue_trace(span: &Span, trace_parent: Option<&str>) {
    let Some(trace_parent) = trace_parent else { return };
    let carrier = HashMap::from([(TRACE_PARENT.to_owned(), trace_parent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(%error, "this span keeps the trace that it has");
    }
}
