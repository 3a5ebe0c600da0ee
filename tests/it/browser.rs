//! The pages in a real headless Chromium, driven by the scripts of `tests/browser`. Part of
//! `make proof`; where it is not run, or nothing to run it is installed, it says what it left out.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::crashes::is_proof;
use crate::programs::text;

/// The longest that a script may take.
const SCRIPT_WITHIN: Duration = Duration::from_mins(10);

/// Whether `script` can be run now. Says why where it cannot: a test that asks leaves its proof
/// out.
pub fn is_to_be_run(script: &str) -> bool {
    if !is_proof() {
        eprintln!("left out: {script} in a browser; `make proof` runs it");
        return false;
    }
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/browser.sh");
    let checked = std::process::Command::new(check).arg("--check").output().unwrap();
    if !checked.status.success() {
        eprintln!("left out: {script} in a browser; {}", text(&checked.stdout));
    }
    checked.status.success()
}

/// Runs `tests/browser/{script}` with these variables; its tests must pass. Screenshots go to
/// `target/browser`.
pub async fn run(script: &str, variables: &[(&str, &str)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut node = Command::new("node");
    node.arg("--test").arg(root.join("tests/browser").join(script)).stdin(Stdio::null());
    node.envs(variables.iter().copied()).kill_on_drop(true);
    let ran = timeout(SCRIPT_WITHIN, node.output()).await.expect("the script ends").unwrap();
    let (said, complained) = (text(&ran.stdout), text(&ran.stderr));
    println!("{said}");
    assert!(ran.status.success(), "{script} failed:\n{said}\n{complained}");
}

#[tokio::test]
async fn what_must_not_happen_in_a_page_is_noticed() {
    if is_to_be_run("lib.test.mjs") {
        run("lib.test.mjs", &[]).await;
    }
}
