//! The operator's command. See `paragon --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    paragon::app::admin::run()
}
