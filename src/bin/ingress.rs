//! Stage 1: takes Meta's webhooks into custody. See [`paragon::app::ingress`].

use std::process::ExitCode;

use paragon::app::{ingress, run_service};
use paragon::settings::IngressSettings;

fn main() -> ExitCode {
    run_service("ingress", IngressSettings::from, ingress::serve)
}
