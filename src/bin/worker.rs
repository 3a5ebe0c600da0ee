//! Stage 2: turns accepted messages into booked entries and answers. See [`paragon::app::worker`].

use std::process::ExitCode;

use paragon::app::{run_service, worker};
use paragon::settings::WorkerSettings;

fn main() -> ExitCode {
    run_service("worker", WorkerSettings::from, worker::serve)
}
