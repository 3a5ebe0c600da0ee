//! Phones in a browser, before everything that the demo runs: the page and the chat are the
//! simulators' ([`simulators::phone`]); what is seen inside and what can be broken is told here. On
//! a free port of the loopback interface, for pages of its own only.

mod inside;
mod switches;
mod way;
mod wire;

use std::net::Ipv4Addr;
use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Deserialize;
use serde_json::json;
use simulators::phone::{Sample, guard};
use simulators::{Phones, Sender};
use tokio_util::sync::CancellationToken;

use self::inside::Inside;
use self::switches::{Breakable, Switches};
use super::photos::{CAFE, CAT, POTRAVINY, Photo, TANKSTELLE};
use super::stage::Stage;
use super::telling;
use crate::app::dashboard::Dashboard;
use crate::app::home::Home;
use crate::app::shutdown::serve_until;
use crate::clock::Clock;
use crate::settings::{DashboardSettings, Source};

/// Who has a phone.
const OWNERS: [(&str, &str); 6] = [
    ("44770091", "Ada Plumber"),
    ("49155502", "Emil Fahrer"),
    ("42077703", "Jana Malířová"),
    ("33755504", "Luc Peintre"),
    ("48601505", "Ola Stolarz"),
    ("39333306", "Rita Sarta"),
];

/// What the handlers need.
struct Backstage {
    phones: Phones,
    inside: Inside,
    switches: Switches,
    home: Home,
}

/// Serves the phones, and the operator's dashboard beside them, saying where, until `stop` is
/// cancelled.
pub async fn serve(stage: &Arc<Stage>, stop: CancellationToken) -> anyhow::Result<()> {
    let phones = Phones::new(Arc::clone(&stage.meta), owners(), samples());
    let backstage = Data::new(Backstage {
        phones: phones.clone(),
        inside: Inside::new(Arc::clone(stage)),
        switches: Switches::new(Arc::clone(stage)),
        home: Home::here(),
    });
    let server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(guard))
            .app_data(backstage.clone())
            .configure(phones.routes())
            .route("/api/inside", web::get().to(look_inside))
            .route("/api/switches/{name}", web::post().to(switch))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = server.addrs().first().map(|it| format!("http://{it}")).unwrap_or_default();
    let dashboard = Dashboard::bind(&dashboard_settings(stage)?, Clock::system())?;
    telling::phone(&url, &format!("http://{}", dashboard.address()), stage);
    let (phones, dashboard) =
        tokio::join!(serve_until(server.run(), stop.clone()), dashboard.run(stop));
    Ok(phones.and(dashboard)?)
}

/// The database is a throw-away one and the address is loopback's: there is no password.
fn dashboard_settings(stage: &Stage) -> anyhow::Result<DashboardSettings> {
    let given = [
        ("DATABASE_URL", stage.database_url.clone()),
        ("DASHBOARD_ADDR", "127.0.0.1:0".to_owned()),
    ];
    Ok(DashboardSettings::from(&Source::given(given))?)
}

/// New people each time: a database that was kept would know the old ones.
fn owners() -> Vec<Sender> {
    let run = uuid::Uuid::new_v4().as_u128() % 10_000;
    let owner = |(prefix, name)| Sender::with_phone(&format!("{prefix}{run:04}"), name);
    OWNERS.map(owner).into()
}

fn samples() -> Vec<Sample> {
    let sample = |photo: Photo, words| Sample { name: photo.name, words, bytes: photo.bytes };
    vec![
        sample(CAFE, "Café, England"),
        sample(TANKSTELLE, "Fuel, Germany"),
        sample(POTRAVINY, "Grocer, Czechia"),
        sample(CAT, "A cat"),
    ]
}

#[derive(Deserialize)]
struct Which {
    phone: usize,
}

async fn look_inside(backstage: Data<Backstage>, which: Query<Which>) -> HttpResponse {
    let letters = backstage.phones.letters(which.phone);
    let asked = Data::clone(&backstage);
    let looked = async move {
        let mut seen = asked.inside.look(letters).await;
        seen["switches"] = asked.switches.shown();
        seen
    };
    match backstage.home.run(looked).await {
        Some(seen) => HttpResponse::Ok().json(seen),
        None => refuse(500, "the demo cannot look inside"),
    }
}

#[derive(Deserialize)]
struct Position {
    on: bool,
}

async fn switch(backstage: Data<Backstage>, name: Path<String>, body: Bytes) -> HttpResponse {
    let Some(breakable) = Breakable::parse(&name) else {
        return refuse(404, "There is no switch of that name.");
    };
    let Ok(Position { on }) = serde_json::from_slice(&body) else {
        return refuse(400, "This request could not be read; wanted: {\"on\": true or false}.");
    };
    let asked = Data::clone(&backstage);
    let switched = async move {
        if on { asked.switches.on(breakable).await } else { asked.switches.off(breakable).await }
    };
    match backstage.home.run(switched).await {
        Some(Ok(())) => HttpResponse::Ok().json(json!({})),
        Some(Err(error)) => refuse(500, &format!("{error:#}")),
        None => refuse(500, "the switch broke"),
    }
}

fn refuse(status: u16, why: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status).json(json!({ "error": why }))
}
