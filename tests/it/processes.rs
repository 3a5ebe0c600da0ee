//! The programs as they are started in production: processes, settings, signals.

use std::process::Stdio;
use std::time::Duration;

use simulators::{Fault, MetaRoute, StripeRoute};

use crate::programs::{INGRESS, PARAGON, Running, WORKER, free_port, output, program, ready, text};
use crate::rig::{CAFE, CAT, Rig, TESSERACT, cluster, somebody, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_of_a_job_is_replaced_by_another() {
    let rig = Rig::start().await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::Hang, 1);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    let mut first = Running::start(WORKER, rig.environment());
    until("it asks Stripe", || rig.stripe.count(StripeRoute::CustomersSearch) == 1).await;

    first.kill();
    let began = std::time::Instant::now();
    rig.drain().await;

    assert!(began.elapsed() < Duration::from_secs(30), "taken over after {:?}", began.elapsed());
    assert_eq!(rig.count("entries").await, 1);
    assert_eq!(rig.answers_to(&photo).len(), 1);
    assert_eq!(rig.stripe.customers().len(), 1);
    let lost = "select count(*) from apalis_lease.attempts where outcome = 'lost'";
    assert_eq!(rig.value::<i64>(lost).await, 1, "the killed attempt is accounted for");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_sending_and_noting_it_answers_once() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    // The read mark is quick; the answer is taken by Meta and its own answer is slow to come.
    let photo = rig.photo(&somebody(), CAT);
    rig.deliver([photo.clone()]).await;
    let mut first = Running::start(WORKER, rig.environment());
    until("the read mark", || rig.meta.marks().len() == 1).await;
    rig.meta.fault(MetaRoute::Messages, &Fault::Slow(Duration::from_secs(3)), 1);
    until("the answer is under way", || rig.meta.count(MetaRoute::Messages) == 2).await;

    first.kill();
    rig.drain().await;

    rig.hear_echoes().await;
    assert_eq!(rig.answers_to(&photo).len(), 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_the_worker_finish_what_runs_and_ends_it_well() {
    let rig = Rig::start().await;
    rig.stripe.fault(StripeRoute::CustomersSearch, &Fault::Slow(Duration::from_secs(3)), 1);
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    let mut worker = Running::start(WORKER, rig.environment());
    until("it asks Stripe", || rig.stripe.count(StripeRoute::CustomersSearch) == 1).await;

    worker.terminate();
    let ended = worker.ended().await;

    assert!(ended.success(), "{ended}");
    assert_eq!(rig.answers_to(&photo).len(), 1);
    assert_eq!(rig.count("apalis_lease.jobs").await, 0, "nothing is left under a lease");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_the_ingress_finish_a_webhook_and_ends_it_well() {
    let rig = Rig::start().await;
    let port = free_port();
    let mut settings = rig.environment().to_vec();
    settings.push(("INGRESS_ADDR".into(), format!("127.0.0.1:{port}")));
    let mut ingress = Running::start(INGRESS, &settings);
    rig.meta.webhook_url(format!("http://127.0.0.1:{port}/webhook"));
    ready(port).await;
    rig.meta.fault(MetaRoute::MediaBytes, &Fault::Slow(Duration::from_secs(2)), 1);
    let payload = rig.meta.webhook([rig.photo(&somebody(), CAFE)]);

    let terminated = async {
        until("media is fetched", || rig.meta.count(MetaRoute::MediaBytes) == 1).await;
        ingress.terminate();
    };
    let (answer, ()) = tokio::join!(rig.meta.deliver(&payload), terminated);

    assert_eq!(answer.unwrap().status, 200);
    assert!(ingress.ended().await.success());
    assert_eq!(rig.count("messages").await, 1);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_setting_is_one_line_that_names_it_and_code_78() {
    let required: [(&str, &[&str]); 3] = [
        (INGRESS, &["META_APP_SECRET", "DATABASE_URL", "META_VERIFY_TOKEN", "WA_TOKEN"]),
        (WORKER, &["DATABASE_URL", "WA_TOKEN", "STRIPE_SECRET_KEY"]),
        (PARAGON, &["DATABASE_URL"]),
    ];
    for (path, names) in required {
        for missing in names {
            let given = names.iter().filter(|it| *it != missing);
            let settings: Vec<_> = given
                .map(|it| ((*it).to_owned(), "postgres://localhost:1/none".to_owned()))
                .collect();
            let arguments: &[&str] = if path == PARAGON { &["migrate"] } else { &[] };
            let ended = output(path, arguments, &settings);
            let said = text(&ended.stderr);
            assert_eq!(ended.status.code(), Some(78), "{path} without {missing}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains(&format!("{missing}: not set")), "{said}");
            assert!(ended.stdout.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_cannot_be_read_is_code_78_and_its_secret_is_not_shown() {
    let rig = Rig::start().await;
    let spoiled = [
        ("OCR_ENGINES", "local,gpt"),
        ("MEDIA_BUDGET_MS", "soon"),
        ("METRICS_ADDR", "9464"),
        ("DATABASE_URL", "mysql://u:hunter2@localhost/x"),
        ("WA_TOKEN", "hunter2 and blanks"),
        ("REPLY_LANGUAGE", "klingon"),
    ];
    for (name, value) in spoiled {
        let mut settings = rig.environment().to_vec();
        settings.push((name.to_owned(), value.to_owned()));
        let path = if name == "MEDIA_BUDGET_MS" { INGRESS } else { WORKER };
        let ended = output(path, &[], &settings);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(78), "{name}: {said}");
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
    rig.end().await;
}

#[test]
fn an_env_file_that_cannot_be_read_is_code_78_and_its_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "WA_TOKEN='hunter2\nSTRIPE_SECRET_KEY=hunter3\n")
        .unwrap();
    let ended = program(WORKER, folder.path(), &[]).output().unwrap();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(78), "{said}");
    assert!(said.contains(".env") && !said.contains("hunter"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_engine_that_can_work_is_code_78() {
    let rig = Rig::start_with(&[TESSERACT]).await;
    let mut settings = rig.environment().to_vec();
    settings.push(("PATH".to_owned(), "/nowhere".to_owned()));
    let ended = output(WORKER, &[], &settings);
    assert_eq!(ended.status.code(), Some(78));
    assert!(text(&ended.stderr).contains("OCR_ENGINES: no engine can work here"));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_brings_an_empty_postgres_up_to_date_twice_and_from_two_machines_at_once() {
    let cluster = cluster().await;
    let url = cluster.create_database("empty").await.unwrap();
    let settings = [("DATABASE_URL".to_owned(), url.clone())];
    let folder = tempfile::tempdir().unwrap();
    let start =
        || program(PARAGON, folder.path(), &settings).arg("migrate").stdout(Stdio::piped()).spawn();

    let both = [start().unwrap(), start().unwrap()];
    for process in both {
        assert!(process.wait_with_output().unwrap().status.success());
    }
    let third = output(PARAGON, &["migrate"], &settings);

    assert!(third.status.success());
    let status = output(PARAGON, &["status", "--json"], &settings);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["queue_depth"].as_array().unwrap().len(), 4);
    for view in ["messages", "steps", "workers", "stuck_jobs", "failures"] {
        assert_eq!(status[view], serde_json::json!([]), "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_of_a_database_that_was_not_migrated_says_what_to_do() {
    let cluster = cluster().await;
    let url = cluster.create_database("empty").await.unwrap();
    let ended = output(PARAGON, &["status"], &[("DATABASE_URL".to_owned(), url)]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("paragon migrate"));
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_tells_four_stories_and_each_ends_as_it_should() {
    let ended = output(PARAGON, &["demo", "--once"], &[]);
    let said = text(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", text(&ended.stderr));
    assert!(said.ends_with("4 of 4 stories ended as they should.\n"), "{said}");
}
