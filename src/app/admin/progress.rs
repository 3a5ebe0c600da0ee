//! How far a long command is: on stderr, and only where that is a terminal. Nothing of it is on
//! standard output.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a wait shows that it goes on.
const TICK: Duration = Duration::from_millis(120);

/// So many of `of`, and when it will be done; `what` they are.
pub fn bar(of: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(of).unwrap_or(u64::MAX));
    styled(bar, &format!("{{bar:30}} {{human_pos}} of {{human_len}} {what} {{eta}} {{msg}}"))
}

/// So many, where nobody knows of how many; none where `what` they are is shown on this terminal
/// itself.
pub fn count(what: &str) -> ProgressBar {
    if stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    styled(ProgressBar::no_length(), &format!("{{human_pos}} {what} in {{elapsed}}"))
}

/// A wait for `what`.
pub fn wait(what: &'static str) -> ProgressBar {
    let bar = styled(ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}");
    bar.set_message(what);
    bar.enable_steady_tick(TICK);
    bar
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
