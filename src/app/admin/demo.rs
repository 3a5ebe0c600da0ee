//! Demo.
#[derive(clap::Args)]
pub struct Arguments {}
pub fn run(_: &crate::settings::Source, _: Arguments) -> Result<(), crate::app::Failure> {
    Ok(())
}
