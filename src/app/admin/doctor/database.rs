//! Postgres: does it answer, is its schema this version's, what time is it there, and what it knows of
//! doubled customers and of people whom a test number may not write to.

use chrono::TimeDelta;

use super::finding::Finding;
use super::{events, keys};
use crate::app::admin::migrate::open_url;
use crate::clock::Clock;
use crate::settings::DoctorSettings;
use crate::store::senders::DoubledCustomer;
use crate::store::{Store, StoreError};

/// Clocks that differ more than this confuse the 24-hour window and signatures of Stripe's.
pub const SKEW_MAX: TimeDelta = TimeDelta::seconds(30);

/// Meta's code of a recipient who is not on a test number's list.
const NOT_A_TEST_RECIPIENT: i32 = 131_030;

/// Asks it all; one finding when it does not answer.
pub async fn look(settings: &DoctorSettings) -> Vec<Finding> {
    let opened = settings.database_url.as_ref().map_err(|it| Finding::unset("database", it));
    let opened = opened.and_then(|url| open_url(url).map_err(|it| Finding::unset("database", &it)));
    let store = match opened {
        Ok(store) => store,
        Err(finding) => return vec![finding],
    };
    let findings = match store.is_migrated().await {
        Err(error) => vec![unanswered("database", &error)],
        Ok(false) => vec![
            Finding::well("database", "answers"),
            Finding::ill(
                "migrations",
                "its schema is older than this program",
                "run `paragon migrate`",
            ),
        ],
        Ok(true) => {
            let mut findings = vec![
                Finding::well("database", "answers"),
                Finding::well("migrations", "the schema is this version's"),
                clock(&store).await,
                doubled_customers(&store).await,
                test_recipients(&store).await,
            ];
            findings.extend(events::look(&store).await);
            findings.push(keys::look(&store).await);
            findings
        }
    };
    store.close().await;
    findings
}

async fn clock(store: &Store) -> Finding {
    match store.now().await {
        Ok(theirs) => skew("clock of Postgres", theirs - Clock::system().now()),
        Err(error) => unanswered("clock of Postgres", &error),
    }
}

/// Whether a clock is right enough, that is so much ahead of this machine's.
pub fn skew(about: &'static str, ahead: TimeDelta) -> Finding {
    if ahead.abs() <= SKEW_MAX {
        return Finding::well(
            about,
            format!("differs from this machine's by {} s", seconds(ahead)),
        );
    }
    let what = format!("it is {} s ahead of this machine's", seconds(ahead));
    Finding::ill(about, what, "keep both by NTP (`timedatectl set-ntp true`)")
}

fn seconds(ahead: TimeDelta) -> String {
    format!("{}", ahead.num_seconds())
}

async fn doubled_customers(store: &Store) -> Finding {
    const ABOUT: &str = "customers";
    match store.doubled_customers().await {
        Ok(pairs) if pairs.is_empty() => Finding::well(ABOUT, "one for each sender"),
        Ok(pairs) => Finding::ill(
            ABOUT,
            shown(&pairs),
            "at Stripe, merge what you need into the older customer, and take whatsapp_phone and \
             whatsapp_user_id out of the younger one's metadata; the next photo ends this finding",
        ),
        Err(error) => unanswered(ABOUT, &error),
    }
}

fn shown(pairs: &[DoubledCustomer]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|it| format!("{} besides {}", it.other, it.used)).collect();
    format!("two for one sender: {}", pairs.join(", "))
}

/// Graph lists nobody's test recipients; that one is missing shows when a send is refused.
async fn test_recipients(store: &Store) -> Finding {
    const ABOUT: &str = "test recipients";
    let week = Clock::system().now() - TimeDelta::days(7);
    match store.refused_with(NOT_A_TEST_RECIPIENT, week).await {
        Ok(0) => Finding::well(ABOUT, "nobody was refused for not being one (131030) in 7 days"),
        Ok(refused) => Finding::ill(
            ABOUT,
            format!("{refused} sends of the last 7 days went to somebody who is not one (131030)"),
            "a test number writes to five confirmed recipients only: enter them in the app's WhatsApp \
             page (API Setup, To), or use a number of your own",
        ),
        Err(error) => unanswered(ABOUT, &error),
    }
}

pub(super) fn unanswered(about: &'static str, error: &StoreError) -> Finding {
    Finding::ill(about, error, "is DATABASE_URL right, and does Postgres run?")
}
