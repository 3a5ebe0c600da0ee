//! One trace from webhook to answer, and nothing personal in any log or span.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use simulators::meta::Item;
use tokio::task::JoinSet;

use crate::programs::{INGRESS, Running, WORKER, free_port, ready};
use crate::rig::{CAFE, Rig, somebody};

/// Everything in a test that must not leave Postgres.
fn personal(rig: &Rig, photo: &Item, words: &Item) -> Vec<String> {
    vec![
        "420777123456".to_owned(),
        "Nováková".to_owned(),
        "a secret of mine".to_owned(),
        "Copper Kettle".to_owned(),
        photo.wamid.clone(),
        words.wamid.clone(),
        rig.meta.options().access_token.clone(),
        rig.meta.options().app_secret.clone(),
        rig.stripe.options().secret_key.clone(),
    ]
}

/// Both programs as processes with these settings, a photo and a text sent through them to the
/// answers, and both ended by SIGTERM. What they logged comes back.
async fn whole_run(rig: &Rig, wishes: &[(&str, &str)]) -> (Item, Item, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let port = free_port();
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    settings.extend(wishes.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    // Appending: two programs write one file.
    let append = || Stdio::from(std::fs::File::options().append(true).open(log.path()).unwrap());
    let mut ingress = Running::start_logging(INGRESS, &settings, append());
    let mut worker = Running::start_logging(WORKER, &settings, append());
    ready(port).await;
    rig.meta.webhook_url(format!("http://127.0.0.1:{port}/webhook"));
    let photo = rig.photo(&somebody(), CAFE);
    let words = rig.meta.text(&somebody(), "a secret of mine");
    rig.deliver([photo.clone(), words.clone()]).await;
    rig.wait_for_row("select count(*) = 2 from replies where state = 'sent'").await;
    rig.hear_echoes().await;
    for program in [&mut worker, &mut ingress] {
        program.terminate();
        assert!(program.ended().await.success());
    }
    let said = std::fs::read_to_string(log.path()).unwrap();
    (photo, words, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_reaches_a_log_at_any_level() {
    let rig = Rig::start().await;
    // Everything that our own code says, and what libraries say up to info.
    let level = "info,paragon=trace,apalis_lease=trace,apalis=trace";

    let (photo, words, said) = whole_run(&rig, &[("RUST_LOG", level)]).await;

    for step in ["accepted message", "worker.match_customer done", "answered message"] {
        assert!(said.contains(step), "the log does not say {step}: {said}");
    }
    for word in personal(&rig, &photo, &words) {
        assert!(!said.contains(&word), "{word:?} stands in the log");
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_and_answer_are_one_exported_trace_without_anything_personal() {
    let rig = Rig::start().await;
    let collector = Collector::start();

    let wishes = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str())];
    let (photo, words, _) = whole_run(&rig, &wishes).await;

    let of_photo = "select trace_id from ops.messages where kind = 'media'";
    let trace: String = rig.value(of_photo).await;
    let names = collector.names_in(&trace);
    let steps = [
        "ingress.webhook",
        "ingress.fetch_media",
        "ingress.accept",
        "worker.message",
        "worker.extract",
        "worker.read_locally",
        "worker.match_customer",
        "worker.record",
        "worker.reply",
        "http.client",
    ];
    for step in steps {
        assert!(names.contains(step), "{step} is not in {names:?}");
    }
    let exported = collector.everything();
    for word in personal(&rig, &photo, &words) {
        assert!(!exported.contains(&word), "{word:?} stands in a span");
    }
    rig.end().await;
}

/// Takes what an OTLP collector takes.
struct Collector {
    endpoint: String,
    bodies: Arc<Mutex<Vec<Bytes>>>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Collector {
    fn start() -> Self {
        let bodies: Arc<Mutex<Vec<Bytes>>> = Arc::default();
        let kept = Data::from(Arc::clone(&bodies));
        let server = HttpServer::new(move || {
            App::new().app_data(kept.clone()).route("/v1/traces", web::post().to(collect))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let endpoint = format!("http://{}", server.addrs()[0]);
        let mut running = JoinSet::new();
        running.spawn(server.run());
        Self { endpoint, bodies, _server: running }
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().map(|it| ExportTraceServiceRequest::decode(it.clone()).unwrap()).collect()
    }

    fn names_in(&self, trace: &str) -> BTreeSet<String> {
        self.requests()
            .into_iter()
            .flat_map(|it| it.resource_spans)
            .flat_map(|it| it.scope_spans)
            .flat_map(|it| it.spans)
            .filter(|it| hex::encode(&it.trace_id) == trace)
            .map(|it| it.name)
            .collect()
    }

    fn everything(&self) -> String {
        format!("{:?}", self.requests())
    }
}

async fn collect(kept: Data<Mutex<Vec<Bytes>>>, body: Bytes) -> HttpResponse {
    kept.lock().unwrap().push(body);
    HttpResponse::Ok().finish()
}
