//! Programs of others as child processes: input by a pipe, output by a pipe, both bounded, with a
//! time limit and, for decoders, limits of memory and CPU. What a program says is never logged.

use std::{io, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use super::engines::EngineError;

/// A page of text is some 50 kB; a picture of a page some megabytes.
const MAX_OUTPUT_BYTES: u64 = 32 * 1024 * 1024;
/// What a decoder may take: kilobytes of address space, seconds of CPU. (macOS knows no such limit
/// of memory; there the one of time remains.)
const BOUNDED: &str = r#"ulimit -v 1500000 2>/dev/null; ulimit -t 20; exec "$@""#;
/// What the shell says of a program that is not there.
const NOT_FOUND: i32 = 127;

/// How a program ended.
pub struct Ended {
    /// Its exit code; `None` when a signal (or a limit) ended it.
    pub code: Option<i32>,
    /// What it printed, up to 32 MB.
    pub output: Vec<u8>,
}

/// A program to run with pipes to it and from it, and nobody to hear its complaints; dropping it kills it.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The same under limits of memory and CPU, for programs that decode what strangers send.
pub fn bounded(program: &str) -> Command {
    let mut command = command("sh");
    command.args(["-c", BOUNDED, "sh", program]);
    command
}

/// Runs it to its end, or kills it at the limit. `missing` is said where it is not installed.
pub async fn run(
    command: Command,
    input: &[u8],
    limit: Duration,
    missing: &'static str,
) -> Result<Ended, EngineError> {
    let talk = talk(command, input, missing);
    timeout(limit, talk).await.map_err(|_| EngineError::TimedOut(limit))?
}

async fn talk(
    mut command: Command,
    input: &[u8],
    missing: &'static str,
) -> Result<Ended, EngineError> {
    let failed = |why: io::Error| EngineError::Failed(format!("a program: {}", why.kind()));
    let mut child = command.spawn().map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => EngineError::NotInstalled(missing),
        _ => failed(why),
    })?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(EngineError::Failed("a program without pipes".into()));
    };
    // A program that ends early closes the pipe: its exit code then tells, not the write.
    let write = async move {
        let _ended_early = stdin.write_all(input).await;
        drop(stdin);
    };
    let mut output = Vec::new();
    let mut stdout = stdout.take(MAX_OUTPUT_BYTES);
    let ((), out) = tokio::join!(write, stdout.read_to_end(&mut output));
    out.map_err(failed)?;
    drop(stdout);
    let code = child.wait().await.map_err(failed)?.code();
    if code == Some(NOT_FOUND) {
        return Err(EngineError::NotInstalled(missing));
    }
    Ok(Ended { code, output })
}
