//! The simulators from outside: over HTTP, with a client that shares no type with them, against
//! the vendors' own schemas and samples where the folder `../shared/fixtures` is there. They
//! never reach beyond the loopback interface.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod anthropic;
mod faults;
mod fixtures;
mod media;
mod meta;
mod stripe;
mod templates;
mod webhooks;

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use serde_json::Value;

/// Long enough for a busy machine; nothing waits for all of it unless it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// One client for all tests. It keeps no connection, so every runtime may use it.
fn client() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy();
        client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
    });
    &CLIENT
}

/// Status and JSON body (null if it is not JSON) of an answer.
async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

/// What a receiver of webhooks got: signature header and body.
type Received = Arc<Mutex<Vec<(Option<String>, Vec<u8>)>>>;

/// A receiver of webhooks that answers from a list of statuses, then 200.
struct Receiver {
    url: String,
    received: Received,
    handle: actix_web::dev::ServerHandle,
}

impl Receiver {
    fn start(statuses: &[u16]) -> Self {
        let received = Received::default();
        let statuses = Arc::new(Mutex::new(statuses.to_vec()));
        let (started, starting) = std::sync::mpsc::channel();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            let state = web::Data::new((kept, statuses));
            let server = HttpServer::new(move || {
                App::new().app_data(state.clone()).default_service(web::to(receive))
            });
            let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}/webhook", server.addrs()[0]);
            rt::System::new().block_on(async move {
                let server = server.run();
                started.send((url, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (url, handle) = starting.recv().unwrap();
        Self { url, received, handle }
    }

    fn bodies(&self) -> Vec<Value> {
        let received = self.received.lock().unwrap();
        received.iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }

    /// The statuses in all bodies, in the order of arrival.
    fn statuses(&self) -> Vec<Value> {
        let of = |body: &Value| body["entry"][0]["changes"][0]["value"]["statuses"].clone();
        let lists = self.bodies();
        lists.iter().map(of).filter_map(|it| it.as_array().cloned()).flatten().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn receive(
    state: web::Data<(Received, Arc<Mutex<Vec<u16>>>)>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    if request.method() == "GET" {
        let query: Vec<&str> = request.query_string().split('&').collect();
        let challenge = query.iter().find_map(|it| it.strip_prefix("hub.challenge="));
        let known = query.contains(&"hub.verify_token=right");
        return if known {
            HttpResponse::Ok().body(challenge.unwrap_or_default().to_owned())
        } else {
            HttpResponse::Forbidden().finish()
        };
    }
    let signature = request.headers().get("x-hub-signature-256");
    let signature = signature.map(|it| it.to_str().unwrap().to_owned());
    state.0.lock().unwrap().push((signature, body.to_vec()));
    let mut statuses = state.1.lock().unwrap();
    let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}
