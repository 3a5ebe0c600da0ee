//! Style, script and icon, as they were when this program was built. No build step, nothing from
//! elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{ServiceConfig, get};

const STYLE: &str = include_str!("assets/style.css");
const LIVE: &str = include_str!("assets/live.js");
const ICON: &str = include_str!("assets/icon.svg");

/// Adds them to the application.
pub fn assets(config: &mut ServiceConfig) {
    config
        .route("/assets/style.css", get().to(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/live.js", get().to(async || asset("text/javascript; charset=utf-8", LIVE)))
        .route("/assets/icon.svg", get().to(async || asset("image/svg+xml", ICON)));
}

fn asset(mime: &'static str, text: &'static str) -> HttpResponse {
    let kept = (header::CACHE_CONTROL, "no-cache");
    HttpResponse::Ok().content_type(mime).insert_header(kept).body(text)
}
