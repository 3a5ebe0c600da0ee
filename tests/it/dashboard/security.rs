//! Who is let in, and what a web page elsewhere cannot do.

use chrono::TimeDelta;
use paragon::clock::Clock;

use super::{Desk, HASH, PASSWORD};
use crate::programs::{PARAGON, output, program, text};
use crate::rig::Rig;

const ACTS: &str = "select coalesce(string_agg(action, ' ' order by id), '') from audit_log";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_a_page_before_they_have_signed_in_and_each_act_is_audited() {
    let rig = Rig::start().await;
    let desk = Desk::locked(&rig.database_url, Clock::system());

    for page in ["/", "/messages", "/messages/1/photo", "/entries.csv", "/audit"] {
        let answer = desk.get(page).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login"), "{page}");
    }
    assert_eq!(desk.sign_in("incorrect horse").await.status, 401);
    let signed_in = desk.sign_in(PASSWORD).await;

    assert_eq!(signed_in.status, 303);
    let cookie = signed_in.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(desk.page("/").await.contains("Oldest ready job waits"));
    assert_eq!(desk.post("/logout", &[]).await.status, 303);
    assert_eq!(desk.get("/").await.status, 303);
    assert_eq!(rig.value::<String>(ACTS).await, "sign_in_refused sign_in sign_out");
    let told: String = rig.value("select string_agg(audit_log::text, '') from audit_log").await;
    assert!(!told.contains("horse") && told.contains("127.0.0.1"), "{told}");
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_before_signing_in_is_not_the_one_after() {
    let rig = Rig::start().await;
    let desk = Desk::locked(&rig.database_url, Clock::system());
    let planted = desk.get("/login").await.header("set-cookie").to_owned();
    let planted = planted.split(';').next().unwrap().to_owned();

    assert_eq!(desk.sign_in(PASSWORD).await.status, 303);

    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    let answer = client.get(&desk.base).header("Cookie", planted).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 303, "the planted cookie is inside");
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_the_password_is_slowed_down_and_the_right_one_waits_too() {
    let rig = Rig::start().await;
    let clock = Clock::held_at(Clock::system().now());
    let desk = Desk::locked(&rig.database_url, clock.clone());
    for _ in 0..4 {
        assert_eq!(desk.sign_in("wrong").await.status, 401);
    }

    let answer = desk.sign_in(PASSWORD).await;

    assert_eq!(answer.status, 429);
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    clock.advance(TimeDelta::seconds(wait));
    assert_eq!(desk.sign_in(PASSWORD).await.status, 303);
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_elsewhere_can_neither_reach_nor_post_to_the_dashboard() {
    let rig = Rig::start().await;
    let desk = Desk::open(&rig.database_url);
    let (token, own) = (desk.token().await, desk.base.clone());
    let pause = [("queue", "messages"), ("why", "because"), ("csrf", token.as_str())];
    let form = || desk.form("/queue/pause", &pause);

    for origin in ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"] {
        let answer = desk.send(form().header("Origin", origin)).await;
        assert_eq!(answer.status, 403, "{origin}");
    }
    assert_eq!(desk.send(form()).await.status, 403, "no origin");
    let rebound = form().header("Host", "evil.example").header("Origin", "http://evil.example");
    assert_eq!(desk.send(rebound).await.status, 421);
    let read = reqwest::Client::builder().no_proxy().build().unwrap();
    let read = read.get(&own).header("Host", "evil.example:8090");
    assert_eq!(desk.send(read).await.status, 421);
    let drawn =
        reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{own}/messages"));
    let drawn = drawn.header("Sec-Fetch-Site", "cross-site").header("Sec-Fetch-Mode", "no-cors");
    assert_eq!(desk.send(drawn).await.status, 403);

    assert_eq!(rig.count("apalis_lease.paused_queues").await, 0);
    assert_eq!(desk.send(form().header("Origin", &own)).await.status, 303, "its own page may");
    assert_eq!(rig.count("apalis_lease.paused_queues").await, 1);
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_sessions_own_token_changes_nothing() {
    let rig = Rig::start().await;
    let (desk, other) = (Desk::open(&rig.database_url), Desk::open(&rig.database_url));
    desk.token().await;
    let stolen = other.token().await;

    for token in ["", "0000", stolen.as_str()] {
        let fields = [("queue", "messages"), ("why", "because"), ("csrf", token)];
        let answer =
            desk.send(desk.form("/queue/pause", &fields).header("Origin", &desk.base)).await;
        assert_eq!(answer.status, 403, "{token}");
    }
    for path in [
        "/queue/resume",
        "/messages/find",
        "/entries/1/correct",
        "/entries/1/confirm",
        "/entries/1/count",
        "/dead/retry",
        "/dead/retry-like",
        "/login",
        "/logout",
    ] {
        let answer = desk.send(desk.form(path, &[]).header("Origin", &desk.base)).await;
        assert_eq!(answer.status, 403, "{path}");
    }

    assert_eq!(rig.count("apalis_lease.paused_queues").await, 0);
    assert_eq!(rig.count("audit_log").await, 0);
    desk.end().await;
    other.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_foreign_code_frames_and_caches() {
    let rig = Rig::start().await;
    let desk = Desk::open(&rig.database_url);

    for path in ["/", "/nowhere", "/messages/7", "/messages?before=x", "/assets/live.js"] {
        let answer = desk.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        // `default-src` does not stand in for these.
        for further in ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(further), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("cache-control").starts_with("no-"), "{path}");
        let text = answer.text();
        assert!(!text.contains("style=\"") && !text.contains("onclick"), "{path}");
    }
    desk.end().await;
    rig.end().await;
}

#[test]
fn an_address_that_others_reach_demands_a_password_before_anything_listens() {
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut settings = vec![
        setting("DATABASE_URL", "postgres://localhost/none"),
        setting("DASHBOARD_ADDR", "0.0.0.0:0"),
    ];
    let ended = output(PARAGON, &["dashboard"], &settings);
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.starts_with("paragon: DASHBOARD_PASSWORD_HASH: not set"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    settings.push(setting("DASHBOARD_PASSWORD_HASH", "my-password"));
    let ended = output(PARAGON, &["dashboard"], &settings);
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.contains("--hash-password") && !said.contains("my-password"), "{said}");
}

#[test]
fn hash_password_reads_a_pipe_and_prints_a_hash_and_nothing_else() {
    use std::io::Write;
    use std::process::Stdio;

    let folder = tempfile::tempdir().unwrap();
    let ask = |password: &str| {
        let mut command = program(PARAGON, folder.path(), &[]);
        let command = command.args(["dashboard", "--hash-password"]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let made = ask("correct horse\n");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let hash = text(&made.stdout);
    assert!(hash.starts_with("$argon2id$v=19$") && hash.lines().count() == 1, "{hash}");
    assert_ne!(hash.trim(), HASH, "each has a salt of its own");
    let short = ask("short\n");
    assert_eq!((short.status.code(), short.stdout.len()), (Some(1), 0));
}
