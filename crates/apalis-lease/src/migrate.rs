//! Brings a database's `apalis_lease` schema to this crate's version. Touches no other schema,
//! and keeps its ledger (`apalis_lease.migrations`) apart from the application's own.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection, PgPool};

/// Applies what is missing of this crate's migrations.
///
/// Safe to call again, and from several processes at once: an advisory lock lets one work and the
/// others find it done. Opens a connection of its own, so that a failure cannot leave the lock in
/// the pool.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let mut connection = PgConnection::connect_with(pool.connect_options().as_ref()).await?;
    let applied = migrator().run(&mut connection).await;
    connection.close().await?;
    applied
}

fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.create_schema("apalis_lease");
    // "Dangerous" where a ledger exists under the old name: this one never had another.
    migrator.dangerous_set_table_name("apalis_lease.migrations");
    migrator
}
