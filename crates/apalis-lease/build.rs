//! Rebuilds the crate when a migration is added, which `sqlx::migrate!` alone does not notice.
//! Does nothing else.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
