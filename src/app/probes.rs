//! `/healthz`: the process answers. `/readyz`: it can do its work, which takes a migrated Postgres.

use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, web};

use crate::store::Store;

/// Adds both probes to an application that holds the [`Store`].
pub fn probes(config: &mut ServiceConfig) {
    config.route("/healthz", web::get().to(healthz)).route("/readyz", web::get().to(readyz));
}

async fn healthz() -> impl Responder {
    HttpResponse::Ok().body("ok\n")
}

async fn readyz(store: Data<Store>) -> impl Responder {
    match store.is_migrated().await {
        Ok(true) => HttpResponse::Ok().body("ready\n"),
        Ok(false) => HttpResponse::ServiceUnavailable()
            .body("the database is behind this program: run `paragon migrate`\n"),
        Err(_) => HttpResponse::ServiceUnavailable().body("Postgres does not answer\n"),
    }
}
