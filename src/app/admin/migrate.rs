//! `paragon migrate`: any Postgres from 14 on to the current schema.

use anyhow::Context;

use crate::app::Failure;
use crate::clients::Secret;
use crate::settings::{AdminSettings, SettingError};
use crate::store::Store;

/// Migrates, twice without harm, and says where it stands.
pub async fn run(settings: &AdminSettings) -> Result<(), Failure> {
    let store = open(settings)?;
    store.migrate().await.context("the database could not be migrated")?;
    println!("the database is at the current schema");
    store.close().await;
    Ok(())
}

/// The store for a command: few connections.
pub fn open(settings: &AdminSettings) -> Result<Store, SettingError> {
    open_url(&settings.database_url)
}

/// The same for a command that asks for more than the database.
pub fn open_url(url: &Secret) -> Result<Store, SettingError> {
    Store::open(url.reveal(), 4).map_err(|error| SettingError::unreadable("DATABASE_URL", error))
}
