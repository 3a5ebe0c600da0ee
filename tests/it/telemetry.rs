//! One trace from webhook to answer, and nothing personal in any log.

use std::process::{Command, Stdio};

use crate::rig::{CAFE, Rig, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_reaches_a_log_at_any_level() {
    let rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAFE);
    let words = rig.meta.text(&somebody(), "a secret of mine");
    let log = tempfile::NamedTempFile::new().unwrap();
    let worker = Command::new(env!("CARGO_BIN_EXE_worker"))
        .envs(rig.environment().iter().cloned())
        // Everything that our own code says, and what libraries say up to info.
        .env("RUST_LOG", "info,paragon=trace,apalis_lease=trace,apalis=trace")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.reopen().unwrap())
        .spawn()
        .unwrap();
    let mut worker = Guard(worker);
    rig.deliver([photo.clone(), words.clone()]).await;
    rig.wait_for_row("select count(*) = 2 from replies where state = 'sent'").await;
    worker.0.kill().unwrap();
    worker.0.wait().unwrap();

    let said = std::fs::read_to_string(log.path()).unwrap();
    assert!(said.contains("answered message"), "the log says what happened: {said}");
    let token = rig.meta.options().access_token.clone();
    let key = rig.stripe.options().secret_key.clone();
    let personal = [
        "420777123456",
        "Nováková",
        "a secret of mine",
        "Copper Kettle",
        &photo.wamid,
        &words.wamid,
        &token,
        &key,
    ];
    for word in personal {
        assert!(!said.contains(word), "{word:?} stands in the log");
    }
    rig.end().await;
}

struct Guard(std::process::Child);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
