//! `/healthz`: the process answers. `/readyz`: it can do its work, which takes a migrated Postgres and,
//! of the ingress, that nobody had to be sent away a moment ago. `/metrics`: what it has counted.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, web};

use super::door::Door;
use super::home::Home;
use crate::store::Store;
use crate::telemetry::metrics::CONTENT_TYPE;

/// What `/metrics` shows, made when it is asked for.
#[derive(Clone)]
pub struct Numbers(pub Arc<dyn Fn() -> String + Send + Sync>);

/// Adds both probes to an application that holds the [`Store`] and its [`Home`]. One that holds a
/// [`Door`] is not ready while that is full.
pub fn probes(config: &mut ServiceConfig) {
    config.route("/healthz", web::get().to(healthz)).route("/readyz", web::get().to(readyz));
}

/// Adds `/metrics` to an application that holds its [`Numbers`].
pub fn metrics(config: &mut ServiceConfig) {
    config.route("/metrics", web::get().to(numbers));
}

async fn healthz() -> impl Responder {
    HttpResponse::Ok().body("ok\n")
}

async fn numbers(numbers: Data<Numbers>) -> impl Responder {
    let Numbers(text) = &**numbers;
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(text())
}

async fn readyz(store: Data<Store>, home: Data<Home>, door: Option<Data<Door>>) -> impl Responder {
    if door.is_some_and(|it| it.is_full()) {
        return HttpResponse::ServiceUnavailable()
            .body("overloaded: webhooks were sent away a moment ago\n");
    }
    let asked = Store::clone(&store);
    match home.run(async move { asked.is_migrated().await }).await {
        Some(Ok(true)) => HttpResponse::Ok().body("ready\n"),
        Some(Ok(false)) => HttpResponse::ServiceUnavailable()
            .body("the database is behind this program: run `paragon migrate`\n"),
        Some(Err(_)) | None => {
            HttpResponse::ServiceUnavailable().body("Postgres does not answer\n")
        }
    }
}
