//! Workers killed at any instruction: nothing is lost, and nothing is doubled.
//!
//! Each row of the matrix is a Paragon of its own; a lease takes 15 s to lapse, so rows run side by
//! side. `make test` runs some of the rows, `make proof` all.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use simulators::anthropic::Reply;
use simulators::meta::{Item, Sent};
use simulators::stripe::NewCustomer;
use simulators::{AnthropicRoute, Fault, MetaRoute, Sender, StripeRoute};

use crate::programs::{Running, WORKER};
use crate::rig::{CAFE, Rig, somebody, until};

/// Set by `make proof`.
pub fn is_proof() -> bool {
    std::env::var_os("PARAGON_PROOF").is_some()
}

fn receipt() -> Value {
    json!({
        "is_receipt": true, "merchant": "The Copper Kettle", "total": "22.40", "currency": "GBP",
        "date": "2026-11-19", "category": "meals", "tax": "3.73", "country": "GB",
    })
}

/// When the worker is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// Once a call has reached the other end.
    Asked(Call),
    /// Once a query holds.
    Row(&'static str),
}

#[derive(Clone, Copy)]
enum Call {
    Meta(MetaRoute, usize),
    Stripe(StripeRoute, usize),
    Anthropic(usize),
}

/// What is going on when the worker is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// A photo is read by Anthropic, and its sender is new.
    Photo,
    /// A photo is read on this machine.
    LocalPhoto,
    /// The sender is a customer at Stripe already.
    KnownAtStripe,
    /// The sender has changed their number.
    Moved,
    /// The photo has taken over a minute: a word goes before its answer.
    Late,
}

impl Scene {
    fn engines(self) -> &'static str {
        match self {
            Self::LocalPhoto => "local",
            Self::Photo | Self::KnownAtStripe | Self::Moved | Self::Late => "anthropic",
        }
    }
}

/// One row of the matrix.
struct Row {
    name: &'static str,
    scene: Scene,
    /// Whether `make test` runs it too.
    quick: bool,
    /// What is set up before the worker starts.
    faults: Vec<(Call, Fault)>,
    killed: Moment,
    /// Readings that may have been paid for.
    readings: usize,
}

const HOLD: Fault = Fault::Hang;
const LOST: Fault = Fault::DoneButAnswerLost;
const BRIEF: Fault = Fault::Slow(Duration::from_millis(1));
const SLOW: Fault = Fault::Slow(Duration::from_secs(3));

/// Rows that `make test` runs too.
const QUICK: [&str; 4] = [
    "during the reading",
    "during the search",
    "after the create, its answer lost",
    "while the send has its effect",
];

fn matrix() -> Vec<Row> {
    let rows = [fetching_and_reading(), matching(), moving(), answering(), delaying()];
    rows.into_iter().flatten().collect()
}

/// Killed once the last of `faults` is met.
fn asked<const N: usize>(name: &'static str, faults: [(Call, Fault); N], readings: usize) -> Row {
    let killed = Moment::Asked(faults[N - 1].0);
    let (scene, quick) = (Scene::Photo, QUICK.contains(&name));
    Row { name, scene, quick, faults: faults.into(), killed, readings }
}

/// Killed once there is a row.
fn written(name: &'static str, query: &'static str) -> Row {
    let (scene, quick, faults) = (Scene::Photo, QUICK.contains(&name), Vec::new());
    Row { name, scene, quick, faults, killed: Moment::Row(query), readings: 1 }
}

const MARK: Call = Call::Meta(MetaRoute::Messages, 1);

fn fetching_and_reading() -> Vec<Row> {
    let object = Call::Meta(MetaRoute::MediaObject, 2);
    let bytes = Call::Meta(MetaRoute::MediaBytes, 2);
    let reading = Call::Anthropic(1);
    vec![
        asked("during the read mark", [(MARK, HOLD)], 2),
        asked("during the media object", [(object, HOLD), (object, HOLD)], 1),
        asked("during the media's bytes", [(bytes, HOLD), (bytes, HOLD)], 1),
        asked("during the reading", [(reading, HOLD)], 2),
        asked("after a reading whose answer was lost", [(reading, LOST)], 2),
        written("between reading and search", "select exists (select from readings)"),
        Row {
            scene: Scene::LocalPhoto,
            readings: 0,
            ..written(
                "during a reading on this machine",
                "select exists (select from apalis_lease.jobs
                                where queue = 'local_reading' and state = 'running')",
            )
        },
    ]
}

fn matching() -> Vec<Row> {
    let search = Call::Stripe(StripeRoute::CustomersSearch, 1);
    let create = Call::Stripe(StripeRoute::CustomersCreate, 1);
    vec![
        asked("during the search", [(search, HOLD)], 1),
        asked("before the create has an effect", [(create, HOLD)], 1),
        asked("after the create, its answer lost", [(create, LOST)], 1),
        written("between match and entry", "select exists (select from matches)"),
        written("between entry and answer", "select exists (select from entries)"),
    ]
}

/// What is known at Stripe is read by id before it is believed.
fn moving() -> Vec<Row> {
    let read = Call::Stripe(StripeRoute::CustomerGet, 1);
    let update = Call::Stripe(StripeRoute::CustomerUpdate, 1);
    let known = |row| Row { scene: Scene::KnownAtStripe, ..row };
    let moved = |row| Row { scene: Scene::Moved, ..row };
    vec![
        known(asked("during the read of the customer", [(read, HOLD)], 1)),
        moved(asked("before a changed number has reached Stripe", [(update, HOLD)], 1)),
        moved(asked("after it has, its answer lost", [(update, LOST)], 1)),
        moved(written(
            "between the move and Stripe",
            "select exists (select from former_identities)",
        )),
    ]
}

fn delaying() -> Vec<Row> {
    let send = Call::Meta(MetaRoute::Messages, 2);
    let reading = (Call::Anthropic(1), Fault::Slow(Duration::from_secs(8)));
    let late = |row| Row { scene: Scene::Late, ..row };
    vec![
        late(asked(
            "before the word of delay has an effect",
            [reading.clone(), (MARK, BRIEF), (send, HOLD)],
            2,
        )),
        late(asked(
            "while the word of delay has its effect",
            [reading.clone(), (MARK, BRIEF), (send, SLOW)],
            2,
        )),
        late(asked(
            "after the word of delay, its answer lost",
            [reading, (MARK, BRIEF), (send, LOST)],
            2,
        )),
    ]
}

fn answering() -> Vec<Row> {
    let send = Call::Meta(MetaRoute::Messages, 2);
    let sent = "select exists (select from replies where state = 'sent')";
    vec![
        written("between intent and send", "select exists (select from send_attempts)"),
        asked("before the send has an effect", [(MARK, BRIEF), (send, HOLD)], 1),
        asked("while the send has its effect", [(MARK, BRIEF), (send, SLOW)], 1),
        asked("after the send, its answer lost", [(MARK, BRIEF), (send, LOST)], 1),
        written("between noting the answer and settling the job", sent),
    ]
}

impl Call {
    fn fault(self, rig: &Rig, fault: &Fault) {
        match self {
            Self::Meta(route, _) => rig.meta.fault(route, fault, 1),
            Self::Stripe(route, _) => rig.stripe.fault(route, fault, 1),
            Self::Anthropic(_) => rig.anthropic.fault(AnthropicRoute::Messages, fault, 1),
        }
    }

    fn was_made(self, rig: &Rig) -> bool {
        match self {
            Self::Meta(route, times) => rig.meta.count(route) >= times,
            Self::Stripe(route, times) => rig.stripe.count(route) >= times,
            Self::Anthropic(times) => rig.anthropic.count(AnthropicRoute::Messages) >= times,
        }
    }
}

/// What came of a row: entries, customers, answers, words of delay, readings paid for.
async fn walk(row: Row) -> (Row, [usize; 5]) {
    // Nothing is fetched while the webhook waits where the worker's own fetching is on trial.
    let by_worker = row.faults.iter().any(|(call, _)| {
        matches!(call, Call::Meta(MetaRoute::MediaObject | MetaRoute::MediaBytes, _))
    });
    let budget = if by_worker { "300" } else { "5000" };
    let engines = row.scene.engines();
    let rig = Rig::start_with(&[("OCR_ENGINES", engines), ("MEDIA_BUDGET_MS", budget)]).await;
    rig.anthropic.otherwise(Reply::Json(receipt()));
    let photo = rig.photo(&somebody(), CAFE);
    set(&rig, &row, &photo).await;
    let mut worker = Running::start(WORKER, rig.environment());
    match row.killed {
        Moment::Asked(call) => until(row.name, || call.was_made(&rig)).await,
        Moment::Row(query) => rig.wait_for_row(query).await,
    }
    worker.kill();

    rig.drain().await;

    rig.hear_echoes_of_accepted().await;
    let count = |count: i64| usize::try_from(count).unwrap();
    let said = rig.answers_to(&photo);
    let answers = said.iter().filter(|it| is_answer(it)).count();
    let seen = [
        count(rig.count("entries").await),
        rig.stripe.customers().len(),
        answers,
        said.len() - answers,
        rig.anthropic.count(AnthropicRoute::Messages),
    ];
    rig.end().await;
    (row, seen)
}

/// Whether it is more than the word that it takes longer.
fn is_answer(sent: &Sent) -> bool {
    !sent.text.as_deref().is_some_and(|it| it.contains("a little longer"))
}

/// Brings it to where the worker that is killed comes in.
async fn set(rig: &Rig, row: &Row, photo: &Item) {
    let phone = "420777123456";
    if row.scene == Scene::KnownAtStripe {
        rig.stripe.add_customer(&NewCustomer::with_metadata("whatsapp_phone", phone));
    }
    if row.scene == Scene::Moved {
        rig.deliver([photo.clone()]).await;
        rig.drain().await;
    }
    for (call, fault) in &row.faults {
        call.fault(rig, fault);
    }
    match row.scene {
        Scene::Moved => {
            rig.deliver([rig.meta.changed_number(&somebody(), "420608111222")]).await;
        }
        Scene::Photo | Scene::LocalPhoto | Scene::KnownAtStripe | Scene::Late => {
            rig.deliver([photo.clone()]).await;
        }
    }
    if row.scene == Scene::Late {
        sqlx::query("update messages set accepted_at = accepted_at - interval '2 minutes'")
            .execute(&rig.pool)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_killed_at_any_moment_leaves_one_customer_one_entry_one_answer() {
    let mut rows = matrix();
    rows.retain(|it| it.quick || is_proof());
    println!("{:<50} entries customers answers words readings", "killed");
    let mut wrong = Vec::new();
    let mut walks: FuturesUnordered<_> = rows.into_iter().map(walk).collect();
    while let Some((row, [entries, customers, answers, words, readings])) = walks.next().await {
        println!(
            "{:<50} {entries:>7} {customers:>9} {answers:>7} {words:>5} {readings:>8}",
            row.name
        );
        // One word at most, and none where the answer was ready before it could be said (again).
        let is_kept = (entries, customers, answers) == (1, 1, 1) && words <= 1;
        if !is_kept || readings > row.readings {
            wrong.push(row.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Seeded: the same kills each time, as far as two machines can be the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_photos_of_many_new_senders_through_killed_workers_are_as_many_entries_and_answers() {
    let (senders, each, kills) = if is_proof() { (40, 5, 8) } else { (8, 3, 1) };
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic"), ("ECHO_WAIT_S", "20")]).await;
    rig.anthropic.otherwise(Reply::Json(receipt()));
    // Receipts of other totals, so that none looks like another.
    for number in 0..senders * each {
        let mut other = receipt();
        other["total"] = json!(format!("{}.40", number + 1));
        other["tax"] = json!(null);
        rig.anthropic.script(other);
    }
    rig.stripe.search_lag(Duration::from_secs(30));
    // One create in five takes effect and is not answered.
    rig.stripe.fault(StripeRoute::CustomersCreate, &LOST, senders / 5);
    let mut photos = Vec::new();
    for sender in 0..senders {
        let from = Sender::with_phone(&format!("42077700{sender:04}"), &format!("Sender {sender}"));
        for number in 0..each {
            let bytes = [CAFE, format!("{sender}-{number}").as_bytes()].concat();
            photos.push(rig.photo(&from, &bytes));
        }
    }
    for batch in photos.chunks(10) {
        rig.deliver(batch.to_vec()).await;
    }

    let mut dice = Dice(20_261_123);
    let mut workers = [(); 2].map(|()| Running::start(WORKER, rig.environment()));
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(300 + dice.roll(2000))).await;
        let victim = usize::try_from(dice.roll(2)).unwrap();
        workers[victim].kill();
        workers[victim] = Running::start(WORKER, rig.environment());
    }
    rig.drain().await;

    let count = photos.len();
    println!("{count} photos, {senders} senders, {kills} kills");
    let became = "select string_agg(format('%s %s', count, outcome), ', ') from (
                      select count(*), format('%s %s', outcome, reason) as outcome
                      from (select replies.outcome, readings.reason
                            from replies
                            left join readings on readings.message_id = replies.message_id) as told
                      group by 2) as outcomes";
    println!("{}", rig.value::<String>(became).await);
    assert_eq!(usize::try_from(rig.count("entries").await).unwrap(), count);
    assert_eq!(rig.stripe.customers().len(), senders);
    for photo in &photos {
        assert_eq!(rig.answers_to(photo).iter().filter(|it| is_answer(it)).count(), 1);
    }
    rig.end().await;
}
