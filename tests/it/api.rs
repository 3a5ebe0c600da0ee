//! The API does what its description says, for whom it is meant, and shows nobody anything else.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use paragon::app::Failure;
use paragon::app::api::Api;
use paragon::clock::Clock;
use paragon::settings::{ApiSettings, Source};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use simulators::meta::Template;
use simulators::{Integrator, Sender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::crashes::is_proof;
use crate::programs::{PARAGON, output, text};
use crate::rig::{CAFE, POTRAVINY, Rig, somebody};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A number of another team's.
const OTHER_NUMBER: &str = "100000000000999";

const EVERY_SCOPE: [&str; 8] = [
    "entries:read",
    "entries:write",
    "photos:read",
    "senders:read",
    "reminders:read",
    "reminders:write",
    "events:read",
    "events:write",
];

/// An API that serves.
pub struct Served {
    pub url: String,
    stop: CancellationToken,
    serving: JoinSet<Result<(), Failure>>,
    client: reqwest::Client,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", text(&self.body)))
    }

    /// A problem, as every refusal is.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", text(&self.body));
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["type"], &problem["status"]), (&json!("about:blank"), &json!(status)));
        problem["detail"].as_str().unwrap().to_owned()
    }
}

impl Served {
    pub fn start(rig: &Rig, clock: Clock) -> Self {
        Self::start_with(rig, clock, "600")
    }

    /// With this limit of requests in a minute.
    fn start_with(rig: &Rig, clock: Clock, a_minute: &str) -> Self {
        let mut settings = rig.environment().to_vec();
        settings.push(("API_REQUESTS_PER_MINUTE".to_owned(), a_minute.to_owned()));
        let number = rig.meta.options().phone_number_id.clone();
        settings.push(("API_ADDR".to_owned(), "127.0.0.1:0".to_owned()));
        settings.push(("PHONE_NUMBER_ID".to_owned(), number));
        let settings = ApiSettings::from(&Source::given(settings)).unwrap();
        let api = Api::bind(settings, clock).unwrap();
        let url = format!("http://{}", api.address());
        let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
        serving.spawn(api.run(stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, stop, serving, client }
    }

    pub async fn get(&self, path: &str, key: Option<&str>) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.url)), key).await
    }

    pub async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        let call = self.client.post(format!("{}{path}", self.url)).json(&body);
        self.send(call, Some(key)).await
    }

    /// The same under a name.
    async fn post_named(&self, path: &str, key: &str, body: Value, name: &str) -> Answer {
        let call = self.client.post(format!("{}{path}", self.url)).json(&body);
        self.send(call.header("Idempotency-Key", name), Some(key)).await
    }

    async fn send(&self, call: reqwest::RequestBuilder, key: Option<&str>) -> Answer {
        let call = match key {
            Some(key) => call.bearer_auth(key),
            None => call,
        };
        let answer = call.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }

    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.serving.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

/// `paragon keys create` with these scopes, and for these numbers.
pub fn key(rig: &Rig, scopes: &[&str], numbers: &[&str]) -> String {
    let mut arguments = vec!["keys", "create", "--label", "test"];
    arguments.extend(scopes.iter().flat_map(|it| ["--scope", *it]));
    arguments.extend(numbers.iter().flat_map(|it| ["--number", *it]));
    let made = output(PARAGON, &arguments, rig.environment());
    assert!(made.status.success(), "{}", text(&made.stderr));
    text(&made.stdout).trim().to_owned()
}

/// Two senders with a receipt each, booked.
async fn booked(rig: &Rig) {
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    rig.deliver([rig.photo(&Sender::with_phone("420608111222", "Petr"), POTRAVINY)]).await;
    rig.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_a_wrong_scope_and_another_teams_id_leak_nothing() {
    let rig = Rig::start().await;
    rig.meta.add_template(Template::approved("payment_reminder", "en", "Pay {{1}} now, please."));
    booked(&rig).await;
    let api = Served::start(&rig, Clock::system());
    let all = key(&rig, &EVERY_SCOPE, &[]);
    let none_of_it = key(&rig, &EVERY_SCOPE, &[OTHER_NUMBER]);
    let reminder = json!({ "phone": "420777123456", "template": "payment_reminder",
                           "parameters": [{ "value": "5 CZK" }] });
    assert_eq!(api.post("/v1/reminders", &all, reminder).await.status, 201);
    let event: String =
        rig.value("select 'evt_' || replace(uid::text, '-', '') from events limit 1").await;
    let redeliver = format!("/v1/events/{event}/redeliver");
    let event = format!("/v1/events/{event}");
    let each = [
        ("/v1/entries/1", "entries:read"),
        ("/v1/photos/1", "photos:read"),
        ("/v1/senders/1", "senders:read"),
        ("/v1/reminders/1", "reminders:read"),
        (event.as_str(), "events:read"),
    ];
    for (path, scope) in each {
        assert_eq!(api.get(path, Some(&all)).await.status, 200, "{path}");
        let bare = api.get(path, None).await;
        bare.problem(401);
        assert_eq!(bare.headers["www-authenticate"], "Bearer");
        api.get(path, Some("pgk_guessed")).await.problem(401);
        let others = EVERY_SCOPE.into_iter().filter(|it| *it != scope);
        let lacking = key(&rig, &others.collect::<Vec<_>>(), &[]);
        let said = api.get(path, Some(&lacking)).await.problem(403);
        assert_eq!(said, format!("this key lacks the scope {scope}"));
        // Another team's, and what is nowhere, cannot be told apart.
        let foreign = api.get(path, Some(&none_of_it)).await;
        foreign.problem(404);
        let nowhere = path.replace("/1", "/999").replace("evt_", "evt_0");
        assert_eq!(foreign.body, api.get(&nowhere, Some(&all)).await.body, "{path}");
    }
    for path in
        ["/v1/entries/1/correct", "/v1/entries/1/confirm", "/v1/reminders/1/cancel", &redeliver]
    {
        api.post(path, &none_of_it, json!({})).await.problem(404);
    }
    for list in ["entries", "senders", "reminders", "events"] {
        let seen = api.get(&format!("/v1/{list}"), Some(&none_of_it)).await.json();
        assert_eq!(seen[list], json!([]), "{list}");
        assert!(
            !api.get(&format!("/v1/{list}"), Some(&all)).await.json()[list]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
    let whom = json!({ "phone": "420777123456" });
    assert_eq!(
        api.post("/v1/senders/search", &none_of_it, whom.clone()).await.json()["senders"],
        json!([])
    );
    let theirs = api.post("/v1/senders/search", &all, whom).await.json();
    assert_eq!(theirs["senders"][0]["phone"], "420777123456");
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_revoked_for_good() {
    let rig = Rig::start().await;
    let api = Served::start(&rig, Clock::system());
    let all = key(&rig, &EVERY_SCOPE, &[]);
    assert_eq!(api.get("/v1/entries", Some(&all)).await.status, 200);
    let listed = text(&output(PARAGON, &["keys", "list"], rig.environment()).stdout);
    assert!(listed.contains(&all[..10]) && !listed.contains(&all[..11]), "{listed}");
    let stored: i64 = rig
        .value(&format!(
            "select count(*) from api_keys where api_keys::text like '%{}%'",
            &all[4..]
        ))
        .await;
    assert_eq!(stored, 0, "only a digest is kept");
    assert!(output(PARAGON, &["keys", "revoke", "1"], rig.environment()).status.success());
    api.get("/v1/entries", Some(&all)).await.problem(401);
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_listed_corrected_and_confirmed_and_their_events_follow() {
    let endpoint = Integrator::start(SECRET).unwrap();
    let rig = Rig::start_with(&[("EVENT_URLS", &endpoint.url()), ("EVENT_SECRET", SECRET)]).await;
    rig.drain_until("select count(*) = 1 from event_endpoints").await;
    booked(&rig).await;
    let api = Served::start(&rig, Clock::system());
    let key = key(&rig, &["entries:read", "entries:write"], &[]);

    let first = api.get("/v1/entries?limit=1", Some(&key)).await.json();
    assert_eq!(first["entries"][0]["id"], 2, "the newest first");
    let cursor = first["next"].as_str().unwrap();
    let second = api.get(&format!("/v1/entries?limit=1&cursor={cursor}"), Some(&key)).await.json();
    assert_eq!((&second["entries"][0]["id"], &second["next"]), (&json!(1), &Value::Null));
    let customer = second["entries"][0]["customer"].as_str().unwrap();
    let theirs = api.get(&format!("/v1/entries?customer={customer}"), Some(&key)).await.json();
    assert_eq!(theirs["entries"].as_array().unwrap().len(), 1);
    // The last one is a NUL, which no text in Postgres holds.
    for bad in ["state=odd", "limit=0", "limit=101", "cursor=x", "since=yesterday", "customer=%00"]
    {
        api.get(&format!("/v1/entries?{bad}"), Some(&key)).await.problem(400);
    }

    let wanted = json!({ "revision": 0, "total_minor": 2350, "merchant": null });
    let corrected = api.post("/v1/entries/1/correct", &key, wanted.clone()).await;
    assert_eq!(corrected.status, 200, "{}", text(&corrected.body));
    let corrected = corrected.json();
    assert_eq!((&corrected["total_minor"], &corrected["merchant"]), (&json!(2350), &Value::Null));
    assert_eq!(corrected["currency"], "GBP", "what is not named stays");
    let behind = json!({ "revision": 0, "total_minor": 2360 });
    api.post("/v1/entries/1/correct", &key, behind).await.problem(409);
    for (bad, said) in [
        (json!({ "total_minor": 0 }), "total: want an amount above zero"),
        (json!({ "tax_minor": 99999 }), "tax: want a part of the total, in the same currency"),
        (json!({ "date": "1066-10-14" }), "date: want a day between 1990 and today"),
        (json!({ "category": "weapons" }), "category: there is no such one"),
    ] {
        assert_eq!(api.post("/v1/entries/1/correct", &key, bad).await.problem(422), said);
    }
    for bad in [json!({ "totl": 1 }), json!([]), json!({ "date": "soon" })] {
        api.post("/v1/entries/1/correct", &key, bad).await.problem(400);
    }
    let confirmed = api.post("/v1/entries/1/confirm", &key, json!({})).await.json();
    assert!(confirmed["confirmed_at"].is_string());
    let again = api.post("/v1/entries/1/confirm", &key, json!({})).await;
    assert_eq!(again.json(), confirmed, "said again, nothing changes");
    api.post("/v1/entries/1/count", &key, json!({})).await.problem(409);
    rig.drain().await;

    let types: Vec<Value> = endpoint
        .received()
        .into_iter()
        .filter(|it| it.body["data"]["entry"] == 1)
        .map(|it| it.body["type"].clone())
        .collect();
    assert_eq!(types, ["entry.booked", "entry.corrected", "entry.confirmed"]);
    let acts: String = rig
        .value("select string_agg(action || ' ' || subject || ' by ' || actor, ', ' order by id) from audit_log")
        .await;
    assert_eq!(
        acts,
        "correct_entry entry 1 by API key 1 (test), confirm_entry entry 1 by API key 1 (test)"
    );
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_under_one_name_is_done_once() {
    let rig = Rig::start().await;
    rig.meta.add_template(Template::approved("payment_reminder", "en", "Pay {{1}} now, please."));
    let api = Served::start(&rig, Clock::system());
    let key = key(&rig, &["reminders:read", "reminders:write"], &[]);
    let wanted = |sum: &str, name: &str| {
        json!({ "phone": "420777123456", "template": "payment_reminder", "key": name,
                "at": "2126-01-01T00:00:00Z", "parameters": [{ "value": sum }] })
    };
    let at_once =
        (0..8).map(|_| api.post_named("/v1/reminders", &key, wanted("5 CZK", "a"), "one"));
    let answers = futures::future::join_all(at_once).await;

    let (done, waits): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.status == 201);
    assert!(!done.is_empty() && waits.iter().all(|it| it.status == 409));
    assert!(done.iter().all(|it| it.json()["id"] == 1));
    assert_eq!(rig.count("reminders").await, 1);
    let again = api.post_named("/v1/reminders", &key, wanted("5 CZK", "a"), "one").await;
    assert_eq!((again.status, &again.json()["id"]), (201, &json!(1)));
    api.post_named("/v1/reminders", &key, wanted("6 CZK", "b"), "one").await.problem(422);
    // What was refused has not used the name up.
    let bad = json!({ "template": "payment_reminder" });
    api.post_named("/v1/reminders", &key, bad, "two").await.problem(422);
    let mended = api.post_named("/v1/reminders", &key, wanted("7 CZK", "c"), "two").await;
    assert_eq!(mended.status, 201);
    // The same reminder without a name is there once, too.
    let same = api.post("/v1/reminders", &key, wanted("7 CZK", "c")).await;
    assert_eq!(same.json()["id"], mended.json()["id"]);

    let cancelled = api.post("/v1/reminders/1/cancel", &key, json!({})).await.json();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(api.post("/v1/reminders/1/cancel", &key, json!({})).await.status, 200);
    let left = api.get("/v1/reminders?state=scheduled", Some(&key)).await.json();
    assert_eq!(left["reminders"].as_array().unwrap().len(), 1);
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_a_program_asks_for_is_sent_and_its_state_is_told() {
    let rig = Rig::start().await;
    rig.meta.add_template(Template::approved("payment_reminder", "en", "Pay {{1}} now, please."));
    rig.deliver([rig.meta.text(&somebody(), "hello")]).await;
    rig.drain().await;
    let api = Served::start(&rig, Clock::system());
    let number = rig.meta.options().phone_number_id.clone();
    let key = key(&rig, &["reminders:read", "reminders:write"], &[&number]);
    let wanted = json!({ "sender": 1, "template": "payment_reminder", "parameters": [{ "value": "5 CZK" }] });
    assert_eq!(api.post("/v1/reminders", &key, wanted.clone()).await.status, 201);
    rig.drain().await;
    rig.hear_echoes().await;

    let told = api.get("/v1/reminders/1", Some(&key)).await.json();
    assert_eq!((&told["state"], &told["number"]), (&json!("delivered"), &json!(number)));
    api.post("/v1/reminders/1/cancel", &key, json!({})).await.problem(409);
    for (bad, said) in [
        (json!({ "template": "x" }), "want one of phone, user_id and sender"),
        (json!({ "template": "x", "phone": "12" }), "phone: want 6 to 15 digits"),
        (json!({ "template": "x", "sender": 99 }), "sender: there is no such one"),
        (
            json!({ "template": "x", "sender": 1, "at": "2020-01-01T00:00:00Z" }),
            "at: it has passed",
        ),
        (
            json!({ "template": "x", "sender": 1, "number": OTHER_NUMBER }),
            "number: it is none of this key's",
        ),
        (
            json!({ "template": "x", "sender": 1, "parameters": [{ "value": " " }] }),
            "parameters: one is empty",
        ),
    ] {
        assert_eq!(api.post("/v1/reminders", &key, bad).await.problem(422), said);
    }
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_had_by_key_or_by_the_link_of_its_event_until_that_expires() {
    let endpoint = Integrator::start(SECRET).unwrap();
    // The API listens on a port that is not known yet: the link's path is what matters.
    let wishes = [
        ("EVENT_URLS", endpoint.url()),
        ("EVENT_SECRET", SECRET.to_owned()),
        ("API_URL", "https://api.example.com/paragon".to_owned()),
    ];
    let wishes: Vec<(&str, &str)> =
        wishes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let rig = Rig::start_with(&wishes).await;
    rig.drain_until("select count(*) = 1 from event_endpoints").await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let clock = Clock::held_at(rig.meta.now());
    let api = Served::start(&rig, clock.clone());

    let photo = endpoint.received()[0].body["data"]["photo"].clone();
    assert_eq!(photo["mime"], "image/jpeg");
    let link = photo["url"].as_str().unwrap();
    let path = link.strip_prefix("https://api.example.com/paragon").unwrap();
    let shown = api.get(path, None).await;
    assert_eq!((shown.status, shown.body == CAFE), (200, true));
    assert_eq!(shown.headers["content-type"], "image/jpeg");
    let of_another = path.replace("/photos/1?", "/photos/2?");
    api.get(&of_another, None).await.problem(401);
    let key = key(&rig, &["photos:read"], &[]);
    assert_eq!(api.get("/v1/photos/1", Some(&key)).await.body, CAFE);
    clock.advance(TimeDelta::hours(25));
    api.get(path, None).await.problem(401);
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_as_they_were_told_and_redelivered() {
    let endpoint = Integrator::start(SECRET).unwrap();
    let rig = Rig::start_with(&[("EVENT_URLS", &endpoint.url()), ("EVENT_SECRET", SECRET)]).await;
    rig.drain_until("select count(*) = 1 from event_endpoints").await;
    booked(&rig).await;
    let api = Served::start(&rig, Clock::system());
    let key = key(&rig, &["events:read", "events:write", "entries:read"], &[]);
    let listed = api.get("/v1/events?type=entry.booked", Some(&key)).await.json();
    let events = listed["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    let told = &endpoint.received()[1].body;
    assert_eq!(events[0]["id"], told["id"]);
    assert_eq!(events[0]["deliveries"][0]["state"], "delivered");
    // What an event says of an entry, the API says of it, under the same names.
    let entry = api.get("/v1/entries/2", Some(&key)).await.json();
    for (name, value) in
        events[0]["data"].as_object().unwrap().iter().filter(|(it, _)| *it != "entry")
    {
        let same = &entry[name] == value || name.ends_with("_at");
        assert!(same, "{name}: {value} in {entry}");
    }

    let path = format!("/v1/events/{}/redeliver", events[0]["id"].as_str().unwrap());
    let owed = api.post(&path, &key, json!({})).await.json();
    assert_eq!(owed["deliveries"][0]["state"], "pending");
    rig.drain().await;
    assert_eq!(endpoint.received().len(), 3);
    assert_eq!(endpoint.received()[2].id, events[0]["id"].as_str().unwrap());
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let rig = Rig::start().await;
    let clock = Clock::held_at("2026-11-26T10:00:10Z".parse().unwrap());
    let api = Served::start(&rig, clock.clone());
    let (eager, other) = (key(&rig, &["entries:read"], &[]), key(&rig, &["entries:read"], &[]));
    let first = api.get("/v1/entries", Some(&eager)).await;
    let left = |it: &Answer| it.headers["ratelimit-remaining"].to_str().unwrap().to_owned();
    assert_eq!(
        (left(&first).as_str(), &first.headers["ratelimit-limit"]),
        ("599", &"600".parse().unwrap())
    );
    for _ in 0..599 {
        api.get("/v1/entries", Some(&eager)).await;
    }
    let refused = api.get("/v1/entries", Some(&eager)).await;
    refused.problem(429);
    assert_eq!(
        (left(&refused).as_str(), &refused.headers["retry-after"]),
        ("0", &"50".parse().unwrap())
    );
    assert_eq!(api.get("/v1/entries", Some(&other)).await.status, 200);
    clock.advance(TimeDelta::seconds(50));
    assert_eq!(api.get("/v1/entries", Some(&eager)).await.status, 200);
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_64_kib_is_413() {
    let rig = Rig::start().await;
    let api = Served::start(&rig, Clock::system());
    let key = key(&rig, &["senders:read"], &[]);
    let of = |length: usize| json!({ "phone": "4".repeat(length) });
    api.post("/v1/senders/search", &key, of(60 * 1024)).await.problem(422);
    let said = api.post("/v1/senders/search", &key, of(64 * 1024)).await.problem(413);
    assert_eq!(said, "at most 64 KiB are taken");
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_that_is_described_is_there_and_the_page_to_try_it_loads_nothing_from_elsewhere()
{
    let rig = Rig::start().await;
    let api = Served::start(&rig, Clock::system());
    let described = api.get("/v1/openapi.json", None).await.json();
    let printed = output(PARAGON, &["api", "--openapi"], &[]);
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(described, printed);
    let mut operations = 0;
    for (path, item) in described["paths"].as_object().unwrap() {
        let place = path.replace("{id}", "1").replace("{message}", "1");
        for method in ["get", "post", "put", "delete"] {
            let call = api
                .client
                .request(method.to_uppercase().parse().unwrap(), format!("{}{place}", api.url));
            let answer = api.send(call, None).await;
            // Whoever has no key learns nothing of paths either.
            answer.problem(401);
            if item[method].is_object() {
                operations += 1;
                let statuses: BTreeSet<&String> =
                    item[method]["responses"].as_object().unwrap().keys().collect();
                for status in ["401", "403", "404", "429", "503"] {
                    assert!(statuses.contains(&status.to_owned()), "{method} {path}: {status}");
                }
            }
        }
    }
    assert_eq!(operations, 16);
    let key = key(&rig, &["entries:read"], &[]);
    let wrong = api.post("/v1/entries", &key, json!({})).await;
    assert_eq!(
        (wrong.problem(405), &wrong.headers["allow"]),
        ("this path takes GET".to_owned(), &"GET".parse().unwrap())
    );
    api.get("/v1/nothing", Some(&key)).await.problem(404);

    let page = api.get("/docs/", None).await;
    let page = text(&page.body);
    assert!(page.contains("swagger-ui"), "{page}");
    let is_asset = |it: &&str| matches!(it.rsplit_once('.'), Some((_, "js" | "css")));
    for link in page.split(['"', '\'']).filter(is_asset) {
        assert!(!link.contains("//"), "{link} is elsewhere");
        assert_eq!(
            api.get(&format!("/docs/{}", link.trim_start_matches("./")), None).await.status,
            200
        );
    }
    api.end().await;
    rig.end().await;
}

/// `scripts/python.sh` has made it: schemathesis and a Standard Webhooks library of another language.
fn python() -> Option<String> {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/venv/bin/python");
    let there = std::path::Path::new(python).exists();
    assert!(there || !is_proof(), "scripts/python.sh could not install what the proof needs");
    if !there {
        println!("left out: tests/python/venv is not there (scripts/python.sh makes it)");
    }
    there.then(|| python.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_server_error_and_every_answer_as_documented() {
    let Some(python) = python() else { return };
    let rig = Rig::start().await;
    booked(&rig).await;
    let api = Served::start_with(&rig, Clock::system(), "1000000");
    let key = key(&rig, &EVERY_SCOPE, &[]);
    let examples = if is_proof() { "60" } else { "3" };
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_headers_conformance,response_schema_conformance,ignored_auth";
    let url = format!("{}/v1/openapi.json", api.url);
    let authorization = format!("Authorization: Bearer {key}");
    let mut command = tokio::process::Command::new(&python);
    command.args([
        "-m",
        "schemathesis.cli",
        "run",
        &url,
        "--header",
        &authorization,
        "--checks",
        checks,
        "--max-examples",
        examples,
        "--seed",
        "1",
        "--no-color",
        "--phases",
        "examples,coverage,fuzzing",
        "--generation-database",
        "none",
    ]);
    let ended = command.kill_on_drop(true).output().await.unwrap();
    println!("{}", text(&ended.stdout));
    assert!(ended.status.success(), "{}{}", text(&ended.stdout), text(&ended.stderr));
    api.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_of_another_language_verifies_what_is_told() {
    let Some(python) = python() else { return };
    let endpoint = Integrator::start(SECRET).unwrap();
    let rig = Rig::start_with(&[("EVENT_URLS", &endpoint.url()), ("EVENT_SECRET", SECRET)]).await;
    rig.drain_until("select count(*) = 1 from event_endpoints").await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let asked = &endpoint.asked()[0];
    let header = |name: &str| asked.header(name).unwrap().to_owned();
    let told = json!({
        "secret": SECRET,
        "body": text(&asked.body),
        "headers": {
            "webhook-id": header("webhook-id"),
            "webhook-timestamp": header("webhook-timestamp"),
            "webhook-signature": header("webhook-signature"),
        },
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/verify.py");
    let verified = |told: &Value| {
        let ended =
            std::process::Command::new(&python).args([script, &told.to_string()]).output().unwrap();
        (ended.status.success(), text(&ended.stdout) + &text(&ended.stderr))
    };
    let (ok, said) = verified(&told);
    assert!(ok && said.contains("entry.booked"), "{said}");
    let mut forged = told.clone();
    forged["body"] = json!(text(&asked.body).replace("2240", "2241"));
    let (ok, said) = verified(&forged);
    assert!(!ok && said.contains("WebhookVerificationError"), "{said}");
    rig.end().await;
}
