//! The demo's phone over HTTP: `paragon demo --phone` as a process, its page's endpoints called as
//! the page calls them. How the page looks and feels is `tests/browser/phone.test.mjs`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use paragon::clients::http::install_tls;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::browser;
use crate::programs::{PARAGON, program};
use crate::rig::{PATIENCE, until};

/// A demo that runs, and a client of its page.
struct Demo {
    child: Child,
    url: String,
    dashboard: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Demo {
    fn start(settings: &[(String, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(PARAGON, folder.path(), settings);
        command.args(["demo", "--phone"]).stdout(Stdio::piped());
        install_tls();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let child = command.spawn().unwrap();
        let (url, dashboard) = (String::new(), String::new());
        let mut demo = Self { child, url, dashboard, http, _folder: folder };
        let lines = BufReader::new(demo.child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let url = lines.find_map(|it| Some(it.split_once("open ")?.1.to_owned()));
        demo.url = url.expect("the demo says where its phone is");
        let dashboard = lines.find_map(|it| Some(it.split_once("runs it does: ")?.1.to_owned()));
        demo.dashboard = dashboard.expect("the demo says where its dashboard is");
        // Whatever else it prints is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        demo
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// As the page does it; the status, and what was said.
    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("origin", &self.url);
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn do_it(&self, path: &str, body: Value) {
        assert_eq!(self.post(path, body.to_string()).await, (200, json!({})), "{path}");
    }

    async fn switch(&self, name: &str, position: bool) {
        self.do_it(&format!("/api/switches/{name}"), json!({ "on": position })).await;
    }

    /// Waits until a document of the page's says what is wanted.
    async fn until(&self, path: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = self.get(path).await;
            if holds(&told) {
                return told;
            }
            assert!(Instant::now() < deadline, "still not so: {what}\n{told:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it by a signal, and waits until all that it started has ended too.
    async fn end(mut self, signal: &str) -> std::process::ExitStatus {
        let inside = self.get("/api/inside?phone=1").await;
        let parts = ["ingress", "worker", "Postgres"].map(|it| gauge(&inside, it).to_owned());
        let pids = parts.map(|it| it.strip_prefix("runs, pid ").expect("it runs").to_owned());
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        until("its parts have ended", || !pids.iter().any(|it| runs(it))).await;
        ended
    }
}

/// Whether the process is there, and more than a zombie that nobody has buried.
fn runs(pid: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    !matches!(state.stdout.first(), None | Some(b'Z'))
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn messages(chat: &Value) -> Vec<&Value> {
    chat["messages"].as_array().unwrap().iter().collect()
}

/// The answers that quote the message `id`.
fn answers<'a>(chat: &'a Value, id: &str) -> Vec<&'a Value> {
    let theirs = messages(chat).into_iter().filter(|it| it["mine"] == false);
    theirs.filter(|it| it["quotes"]["id"] == id).collect()
}

fn gauge<'a>(inside: &'a Value, name: &str) -> &'a str {
    let gauges = inside["gauges"].as_array().unwrap();
    let found = gauges.iter().find(|it| it["name"] == name);
    found.and_then(|it| it["value"].as_str()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_from_the_phone_is_answered_and_what_is_answered_to_that_too() {
    let demo = Demo::start(&[]);
    let chat = demo.get("/api/phones/1").await;
    assert_eq!((messages(&chat).len(), &chat["typing"]), (0, &json!(false)));
    demo.do_it("/api/phones/1/sample/cafe.jpg", json!({})).await;
    let chat =
        demo.until("/api/phones/1", "an answer", |it| !answers(it, "mine-0").is_empty()).await;
    let answer = answers(&chat, "mine-0")[0];
    assert!(answer["text"].as_str().unwrap().contains("22.40"), "{answer:#}");
    assert_eq!(messages(&chat)[0]["tick"], "read");
    let (answer, wrong) = (answer["id"].clone(), answer["buttons"][1]["id"].clone());

    demo.do_it("/api/phones/1/press", json!({ "message": answer, "button": wrong })).await;
    demo.until("/api/phones/1", "told how", |it| !answers(it, "mine-1").is_empty()).await;
    demo.do_it("/api/phones/1/text", json!({ "text": "12.50", "quoting": answer })).await;
    let chat =
        demo.until("/api/phones/1", "corrected", |it| !answers(it, "mine-2").is_empty()).await;
    assert!(answers(&chat, "mine-2")[0]["text"].as_str().unwrap().contains("12.50"));
    let pressed = messages(&chat).into_iter().find(|it| it["id"] == answer).unwrap();
    assert_eq!(pressed["pressed"], wrong);

    // What happens inside is told of each, and the other phone has nothing of it.
    let is_done = |it: &Value| {
        let steps = it["ways"][2]["steps"].as_array().unwrap();
        steps.len() == 5 && steps.iter().all(|step| step["state"] == "done")
    };
    let inside = demo.until("/api/inside?phone=1", "all five steps", is_done).await;
    assert_eq!(inside["ways"][2]["message"], "mine-0");
    assert!(inside["wire"].as_array().unwrap().iter().any(|it| it["status"] == 200));
    assert_eq!(messages(&demo.get("/api/phones/2").await).len(), 0);
    // The same entry, as whoever keeps the books sees it.
    let entries = demo.http.get(format!("{}/entries", demo.dashboard)).send().await.unwrap();
    assert!(entries.text().await.unwrap().contains("The Copper Kettle"));
    // Meta told the service that the answer was read, once the chat was on a screen.
    demo.do_it("/api/phones/1/seen", json!({})).await;
    assert!(demo.end("-TERM").await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_broken_from_the_phone_nothing_is_lost_and_nothing_is_doubled() {
    let demo = Demo::start(&[]);
    demo.switch("postgres-stopped", true).await;
    demo.do_it("/api/phones/1/sample/cafe.jpg", json!({})).await;
    demo.until("/api/phones/1", "custody", |it| messages(it)[0]["tick"] == "delivered").await;
    let inside = demo.get("/api/inside?phone=1").await;
    assert_eq!(gauge(&inside, "Postgres"), "stopped");
    assert_ne!(gauge(&inside, "spool on disk"), "empty");
    assert!(inside["ways"][0]["steps"][0]["words"].as_str().unwrap().contains("spool"));
    demo.switch("worker-killed", true).await;
    demo.switch("postgres-stopped", false).await;
    let is_stored = |it: &Value| it["ways"][0]["is_stored"] == true;
    let inside = demo.until("/api/inside?phone=1", "the spool replayed", is_stored).await;
    assert_eq!(gauge(&inside, "worker"), "killed");

    demo.switch("ingress-killed", true).await;
    demo.do_it("/api/phones/1/sample/cat.jpg", json!({})).await;
    assert_eq!(messages(&demo.get("/api/phones/1").await)[1]["tick"], "sent");
    demo.switch("stripe-429", true).await;
    demo.switch("answers-lost", true).await;
    demo.switch("ingress-killed", false).await;
    demo.switch("worker-killed", false).await;
    let is_refused =
        |it: &Value| it["wire"].as_array().unwrap().iter().any(|it| it["status"] == 429);
    demo.until("/api/inside?phone=1", "Stripe has refused", is_refused).await;
    demo.switch("stripe-429", false).await;
    let all = |it: &Value| it["tally"]["answered"] == 2;
    demo.until("/api/phones/1", "both are answered", all).await;
    // A third, while Meta is slow and then down.
    demo.switch("meta-slow", true).await;
    demo.do_it("/api/phones/2/sample/tankstelle.jpg", json!({})).await;
    demo.until("/api/phones/2", "custody", |it| messages(it)[0]["tick"] != "sent").await;
    demo.switch("meta-down", true).await;
    let is_down = |it: &Value| it["wire"].as_array().unwrap().iter().any(|it| it["status"] == 503);
    demo.until("/api/inside?phone=2", "Meta has refused", is_down).await;
    demo.switch("meta-down", false).await;
    demo.switch("meta-slow", false).await;
    let third = json!({ "sent": 1, "taken": 1, "answered": 1, "twice": 0 });
    demo.until("/api/phones/2", "the third is answered", |it| it["tally"] == third).await;
    // An answer that was lost on the way back is known by its echo, and the jobs end.
    let is_quiet = |it: &Value| {
        gauge(it, "queue messages") == "empty" && gauge(it, "queue local_reading") == "empty"
    };
    demo.until("/api/inside?phone=1", "the queues are dry", is_quiet).await;
    let chat = demo.get("/api/phones/1").await;
    assert_eq!(chat["tally"], json!({ "sent": 2, "taken": 2, "answered": 2, "twice": 0 }));
    let inside = demo.get("/api/inside?phone=1").await;
    let on: Vec<_> =
        inside["switches"].as_array().unwrap().iter().filter(|it| it["on"] == true).collect();
    assert_eq!(on.len(), 1, "{on:?}");
    assert!(demo.end("-INT").await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_gets_a_clear_word_and_another_page_gets_nothing() {
    let demo = Demo::start(&[]);
    let large = vec![0xff; 16 * 1024 * 1024 + 1];
    let mut photo = vec![0; 5 * 1024 * 1024 + 1];
    photo[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    for (body, status, words) in [
        (b"Dear diary".to_vec(), 415, "“notes.txt” is neither a photo"),
        (Vec::new(), 400, "empty"),
        (large, 413, "up to 16 MB"),
        (photo, 413, "up to 5 MB, and this one has 5.2 MB"),
    ] {
        let (answered, told) = demo.post("/api/phones/1/photo?name=notes.txt", body).await;
        assert_eq!(answered, status);
        assert!(told["error"].as_str().unwrap().contains(words), "{told}");
    }
    assert_eq!(demo.post("/api/phones/99/text", r#"{"text":"Hi"}"#).await.0, 404);
    assert_eq!(demo.post("/api/phones/1/text", r#"{"text":" "}"#).await.0, 400);
    assert_eq!(demo.post("/api/switches/everything", r#"{"on":true}"#).await.0, 404);
    assert_eq!(messages(&demo.get("/api/phones/1").await).len(), 0);

    let page = demo.http.get(&demo.url).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    assert!(!page.text().await.unwrap().contains("style="));
    let chat = format!("{}/api/phones/1", demo.url);
    let rebound = demo.http.get(&chat).header("host", "phone.example");
    assert_eq!(rebound.send().await.unwrap().status().as_u16(), 403);
    for origin in [Some("http://phone.example"), Some("null"), None] {
        let text = demo.http.post(format!("{chat}/text")).body(r#"{"text":"Hi"}"#);
        let text = origin.into_iter().fold(text, |it, origin| it.header("origin", origin));
        assert_eq!(text.send().await.unwrap().status().as_u16(), 403, "{origin:?}");
    }
    assert_eq!(messages(&demo.get("/api/phones/1").await).len(), 0);
    // Killed, it leaves nothing behind either.
    demo.end("-KILL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_browser_a_photo_dropped_into_the_phone_becomes_a_blue_ticked_answer() {
    if !browser::is_to_be_run("phone.test.mjs") {
        return;
    }
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models").to_owned();
    let demo = Demo::start(&[("OCR_MODELS_DIR".to_owned(), models)]);
    browser::run("phone.test.mjs", &[("PHONE_URL", &demo.url)]).await;
    assert!(demo.end("-TERM").await.success());
}
