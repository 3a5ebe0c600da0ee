//! What lies beside the repository and may be absent: then a test says what it left out.

use std::path::PathBuf;

/// The folder `../shared`, or `None` after saying what is left out without it.
pub fn shared(left_out: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("left out, for ../shared is not here: {left_out}");
    None
}
