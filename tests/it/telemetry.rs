//! One trace from webhook to answer, and nothing personal in any log or span.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use simulators::meta::{Item, Template};
use simulators::{Fault, MetaRoute, StripeRoute};
use tokio::task::JoinSet;

use crate::programs::{INGRESS, PARAGON, Running, WORKER, free_port, output, ready, text};
use crate::rig::{CAFE, Rig, TESSERACT, page, somebody};

/// What a reminder tells, and to whom.
const REMINDED: &str = "420777999888";
const OWED_FOR: &str = "the surgery of Ms Tajemná";

/// What both programs and the command showed to the outside, and what must not be in it.
struct Shown {
    log: String,
    pages: String,
    reasons: String,
    personal: Vec<String>,
}

impl Shown {
    /// Nothing personal stands in `text`, which is `what`.
    fn check(&self, what: &str, text: &str) {
        for word in &self.personal {
            assert!(!text.contains(word), "{word:?} stands in {what}");
        }
    }
}

/// Everything in a test that must not leave Postgres.
fn personal(rig: &Rig, items: &[&Item]) -> Vec<String> {
    let words = [
        "420777123456",
        "Nováková",
        "a secret of mine",
        "my hidden hobby",
        "Copper Kettle",
        REMINDED,
        OWED_FOR,
    ];
    let (meta, stripe) = (rig.meta.options(), rig.stripe.options());
    let keys = [&meta.access_token, &meta.app_secret, &stripe.secret_key, &stripe.webhook_secret];
    let sent = rig.meta.sent();
    let wamids = items.iter().map(|it| &it.wamid).chain(sent.iter().map(|it| &it.wamid));
    words.map(str::to_owned).into_iter().chain(keys.into_iter().chain(wamids).cloned()).collect()
}

/// Both programs as processes with these settings; through them a photo while Stripe fails, a text, a
/// text that replies to the answer, and a reminder that Meta refuses; and both ended by SIGTERM.
async fn whole_run(rig: &Rig, wishes: &[(&str, &str)]) -> Shown {
    let log = tempfile::NamedTempFile::new().unwrap();
    let [port, ingress_numbers, worker_numbers] = [(); 3].map(|()| free_port());
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    settings.push(("PHONE_NUMBER_ID".into(), rig.meta.options().phone_number_id.clone()));
    settings.extend(wishes.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let with_numbers_on = |port: u16| {
        let address = ("METRICS_ADDR".to_owned(), format!("127.0.0.1:{port}"));
        settings.iter().cloned().chain([address]).collect::<Vec<_>>()
    };
    // Appending: two programs write one file.
    let append = || Stdio::from(std::fs::File::options().append(true).open(log.path()).unwrap());
    let mut ingress = Running::start_logging(INGRESS, &with_numbers_on(ingress_numbers), append());
    let mut worker = Running::start_logging(WORKER, &with_numbers_on(worker_numbers), append());
    ready(port).await;
    rig.meta.webhook_url(format!("http://127.0.0.1:{port}/webhook"));
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::INTERNAL_ERROR, 1);
    let photo = rig.photo(&somebody(), CAFE);
    let words = rig.meta.text(&somebody(), "a secret of mine");
    rig.deliver([photo.clone(), words.clone()]).await;
    rig.wait_for_row("select count(*) = 2 from replies where state = 'sent'").await;
    let answer = rig.answers_to(&photo)[0].wamid.clone();
    let correction = rig.meta.text(&somebody(), "my hidden hobby").quoting(&answer, "15550000001");
    rig.deliver([correction.clone()]).await;
    rig.wait_for_row("select count(*) = 3 from replies where state = 'sent'").await;
    rig.hear_echoes().await;
    let said_by_remind = refused_reminder(rig, &settings).await;
    let url = |port| format!("http://127.0.0.1:{port}/metrics");
    let pages = page(&url(ingress_numbers)).await + &page(&url(worker_numbers)).await;
    for program in [&mut worker, &mut ingress] {
        program.terminate();
        assert!(program.ended().await.success());
    }
    Shown {
        log: std::fs::read_to_string(log.path()).unwrap() + &said_by_remind,
        pages,
        reasons: rig.value("select string_agg(reason, ' ') from apalis_lease.attempts").await,
        personal: personal(rig, &[&photo, &words, &correction]),
    }
}

/// Asks for a reminder that Meta refuses for good; what the command logged.
async fn refused_reminder(rig: &Rig, settings: &[(String, String)]) -> String {
    let body = "This is a service message: the payment {{1}} is due, please.";
    rig.meta.add_template(Template::approved("payment_reminder", "en", body));
    rig.meta.fault(MetaRoute::Messages, &Fault::Refuse { status: 400, code: "131026" }, 1);
    let arguments =
        ["remind", "--template", "payment_reminder", "--to", REMINDED, "--param", OWED_FOR];
    let asked = output(PARAGON, &arguments, settings);
    assert!(asked.status.success(), "{}", text(&asked.stderr));
    rig.wait_for_row("select exists (select from ops.reminders where state = 'withheld')").await;
    text(&asked.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_reaches_a_log_at_any_level() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    // Everything that our own code says, and what libraries say up to info.
    let level = "info,paragon=trace,apalis_lease=trace,apalis=trace";

    let shown = whole_run(&rig, &[("RUST_LOG", level)]).await;

    for step in [
        "accepted message",
        "worker.match_customer done",
        "is tried again",
        "answered message",
        "this reminder cannot be sent",
    ] {
        assert!(shown.log.contains(step), "the log does not say {step}: {}", shown.log);
    }
    shown.check("the log", &shown.log);
    shown.check("/metrics", &shown.pages);
    assert!(shown.reasons.contains("match_customer: stripe:"), "{}", shown.reasons);
    shown.check("the reasons of jobs", &shown.reasons);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_and_answer_are_one_exported_trace_without_anything_personal() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let collector = Collector::start();

    let wishes = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str())];
    let shown = whole_run(&rig, &wishes).await;

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
    assert!(exported.contains("worker.remind"), "reminders are traced too");
    shown.check("a span", &exported);
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
