//! Under load, with Postgres stopped, Postgres frozen, the spool full, the ingress killed: nothing is
//! lost and nothing is doubled. `make test` runs a short form of each, `make proof` the whole.

use std::time::{Duration, Instant, SystemTime};

use paragon::spool::lying_in;
use private_postgres::Stop;
use simulators::meta::{sign, wire_bytes};
use tokio::task::JoinSet;

use crate::crashes::is_proof;
use crate::programs::{INGRESS, Running, free_port, ready};
use crate::rig::{Rig, somebody};

/// No file is younger than this after 1970.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 1000);

/// The longest pause before a webhook is delivered again.
const PAUSE: Duration = Duration::from_secs(2);

/// How a webhook was answered, try by try, and how long the longest answer took.
struct Answered {
    statuses: Vec<Option<u16>>,
    longest: Duration,
}

/// Webhooks delivered at a steady pace, whether or not the last one was answered.
struct Load {
    client: reqwest::Client,
    url: String,
    tries: u32,
    deliveries: JoinSet<Answered>,
}

impl Load {
    /// To `url`, each until it is answered 200, at most `tries` times.
    fn on(url: String, tries: u32) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { client, url, tries, deliveries: JoinSet::new() }
    }

    fn one(&mut self, rig: &Rig) {
        let bytes = wire_bytes(&rig.meta.webhook([rig.meta.text(&somebody(), "hi")]));
        let signature = sign(&rig.meta.options().app_secret, &bytes);
        let (client, url, tries) = (self.client.clone(), self.url.clone(), self.tries);
        self.deliveries.spawn(async move {
            let mut answered = Answered { statuses: Vec::new(), longest: Duration::ZERO };
            for number in 0..tries {
                tokio::time::sleep((Duration::from_millis(100) * number).min(PAUSE)).await;
                let began = Instant::now();
                let post = client.post(&url).header("X-Hub-Signature-256", &signature);
                let answer = post.body(bytes.clone()).send().await;
                answered.longest = answered.longest.max(began.elapsed());
                answered.statuses.push(answer.ok().map(|it| it.status().as_u16()));
                if answered.statuses.last() == Some(&Some(200)) {
                    break;
                }
            }
            answered
        });
    }

    /// One each `every`, for so long.
    async fn run(&mut self, rig: &Rig, every: Duration, within: Duration) {
        let mut due = tokio::time::interval(every);
        let began = Instant::now();
        while began.elapsed() < within {
            due.tick().await;
            self.one(rig);
        }
    }

    async fn end(mut self) -> Vec<Answered> {
        let mut answers = Vec::new();
        while let Some(answer) = self.deliveries.join_next().await {
            answers.push(answer.unwrap());
        }
        answers
    }
}

/// Every webhook was answered 200 at once and in time, and is there once.
async fn all_well(rig: &Rig, answers: &[Answered], what: &str) {
    let longest = answers.iter().map(|it| it.longest).max().unwrap();
    println!("{what}: {} webhooks, the slowest answer took {longest:?}", answers.len());
    for answer in answers {
        assert_eq!(answer.statuses, [Some(200)]);
        assert!(answer.longest < Duration::from_secs(10), "{:?}", answer.longest);
    }
    there_once(rig, answers.len()).await;
}

async fn there_once(rig: &Rig, webhooks: usize) {
    rig.wait_for_row(&format!("select count(*) >= {webhooks} from messages")).await;
    rig.wait_for_row(&format!("select count(*) = {webhooks} from apalis_lease.jobs")).await;
    assert_eq!(usize::try_from(rig.count("messages").await).unwrap(), webhooks);
    let lying = || lying_in(rig.spool.path(), SystemTime::UNIX_EPOCH + FOR_EVER).unwrap().unwrap();
    crate::rig::until("the spool is empty", || lying().waiting.is_empty()).await;
    assert!(lying().set_aside.is_empty(), "something was set aside");
}

fn webhook(rig: &Rig) -> String {
    format!("{}/webhook", rig.ingress_url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_stopped_under_load_costs_no_webhook() {
    let mut rig = Rig::start().await;
    let away = Duration::from_secs(if is_proof() { 60 } else { 4 });
    let every = Duration::from_millis(if is_proof() { 4 } else { 20 });
    let mut load = Load::on(webhook(&rig), 1);
    load.run(&rig, every, Duration::from_secs(1)).await;
    rig.cluster.stop(Stop::Immediate).await.unwrap();
    load.run(&rig, every, away).await;
    rig.cluster.start_again().await.unwrap();
    load.run(&rig, every, Duration::from_secs(2)).await;

    let answers = load.end().await;

    all_well(&rig, &answers, &format!("Postgres stopped for {away:?}")).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_frozen_under_load_costs_no_webhook() {
    let rig = Rig::start().await;
    let frozen = Duration::from_secs(if is_proof() { 20 } else { 4 });
    let every = Duration::from_millis(if is_proof() { 4 } else { 20 });
    let mut load = Load::on(webhook(&rig), 1);
    load.run(&rig, every, Duration::from_secs(1)).await;
    let freeze = rig.cluster.freeze().unwrap();
    load.run(&rig, every, frozen).await;
    drop(freeze);
    load.run(&rig, every, Duration::from_secs(2)).await;

    let answers = load.end().await;

    all_well(&rig, &answers, &format!("Postgres frozen for {frozen:?}")).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spool_that_fills_up_refuses_whole_webhooks_and_loses_none() {
    let mut rig = Rig::start_with(&[("SPOOL_MAX_BYTES", "20000")]).await;
    rig.cluster.stop(Stop::Immediate).await.unwrap();
    let mut load = Load::on(webhook(&rig), 60);
    for _ in 0..100 {
        load.one(&rig);
    }
    let full = "paragon_ingress_webhooks_total{outcome=\"not_taken\"}";
    let deadline = Instant::now() + Duration::from_secs(30);
    while rig.metric(full).await < 50.0 {
        assert!(Instant::now() < deadline, "it does not fill up");
    }
    assert!(rig.metric("paragon_ingress_spool_bytes").await <= 20_000.0);
    rig.cluster.start_again().await.unwrap();

    let answers = load.end().await;

    let refused = answers.iter().filter(|it| it.statuses.contains(&Some(503))).count();
    println!("spool full: {refused} of {} webhooks were delivered again", answers.len());
    assert!(answers.iter().all(|it| it.statuses.last() == Some(&Some(200))));
    there_once(&rig, answers.len()).await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ingress_killed_again_and_again_under_load_loses_and_doubles_nothing() {
    let mut rig = Rig::start().await;
    let (kills, every) = if is_proof() { (50, 5) } else { (4, 20) };
    let port = free_port();
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    let mut ingress = Running::start(INGRESS, &settings);
    ready(port).await;
    let mut load = Load::on(format!("http://127.0.0.1:{port}/webhook"), 60);
    for kill in 0..kills {
        // Every fourth life without Postgres: what is in the spool must survive too.
        if kill % 4 == 2 {
            rig.cluster.stop(Stop::Immediate).await.unwrap();
        }
        let life = Duration::from_millis(500 + 97 * (kill % 7));
        load.run(&rig, Duration::from_millis(every), life).await;
        ingress.kill();
        if kill % 4 == 2 {
            rig.cluster.start_again().await.unwrap();
        }
        ingress = Running::start(INGRESS, &settings);
    }

    let answers = load.end().await;

    let again = answers.iter().filter(|it| it.statuses.len() > 1).count();
    println!("{kills} kills: {} webhooks, {again} of them delivered more than once", answers.len());
    assert!(answers.iter().all(|it| it.statuses.last() == Some(&Some(200))));
    assert!(again > 0, "no kill met a webhook");
    there_once(&rig, answers.len()).await;
    rig.end().await;
}
