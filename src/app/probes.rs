//! `/healthz`: the process answers. `/readyz`: it can do its work, which takes a migrated Postgres.

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, web};

use super::home::Home;
use crate::store::Store;

/// Adds both probes to an application that holds the [`Store`] and its [`Home`].
pub fn probes(config: &mut ServiceConfig) {
    config.route("/healthz", web::get().to(healthz)).route("/readyz", web::get().to(readyz));
}

async fn healthz() -> impl Responder {
    HttpResponse::Ok().body("ok\n")
}

async fn readyz(store: Data<Store>, home: Data<Home>) -> impl Responder {
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
