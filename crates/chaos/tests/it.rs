//! A short run of a fixed seed: everything fails once, and every promise is kept.

use std::process::Command;

#[test]
fn everything_fails_at_once_and_every_promise_is_kept() {
    let run = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--seed", "9", "--minutes", "0.1", "--messages", "100"])
        .output();
    let run = run.expect("it starts");
    let said = String::from_utf8_lossy(&run.stdout);
    println!("{said}");
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
}
