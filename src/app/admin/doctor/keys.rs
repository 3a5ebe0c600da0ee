//! Whether a key of the API lies about that nobody uses.

use chrono::TimeDelta;

use super::finding::Finding;
use crate::clock::Clock;
use crate::store::Store;
use crate::store::api_keys::Key;

const ABOUT: &str = "API keys";

/// A key that nobody has used for longer is more likely to be found than missed.
const UNUSED: TimeDelta = TimeDelta::days(90);

/// One finding for all of them.
pub(super) async fn look(store: &Store) -> Finding {
    let keys = match store.keys().await {
        Ok(keys) => keys,
        Err(error) => return super::database::unanswered(ABOUT, &error),
    };
    let good: Vec<&Key> = keys.iter().filter(|it| it.revoked_at.is_none()).collect();
    let now = Clock::system().now();
    let idle = |it: &&&Key| now - it.last_used_at.unwrap_or(it.created_at) > UNUSED;
    let named = |it: &&Key| format!("{} ({})", it.id.0, it.label);
    let idle: Vec<String> = good.iter().filter(idle).map(named).collect();
    if idle.is_empty() {
        return Finding::well(
            ABOUT,
            format!("{} are good, each was used within 90 days", good.len()),
        );
    }
    Finding::ill(
        ABOUT,
        format!("not used for 90 days: {}", idle.join(", ")),
        "`paragon keys revoke` those that nobody needs",
    )
}
