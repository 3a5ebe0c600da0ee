//! Who has signed in, for as long as this process lives: a restart signs everybody out. Holds
//! digests of cookies, never a cookie, and no more sessions than it has room for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;

use crate::domain::ids::Sha256;

/// Unused for so long, a session is over.
const IDLE: TimeDelta = TimeDelta::hours(12);

/// However much it is used, after this it is over.
const LONGEST: TimeDelta = TimeDelta::days(7);

/// Sessions at once. Beyond it those that never signed in go first, then those unused for longest.
const ROOM: usize = 1000;

/// How far somebody has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Sees the form to sign in.
    Outside,
    /// Sees everything.
    Inside,
}

/// A session, as a request meets it.
#[derive(Clone, Debug)]
pub struct Session {
    /// What it is called in the audit log; says nothing of the cookie.
    pub label: String,
    /// What a form must bring along to be believed.
    pub csrf: String,
    /// How far its owner has come.
    pub standing: Standing,
    opened_at: DateTime<Utc>,
    used_at: DateTime<Utc>,
}

impl Session {
    /// Whether `told` is this session's token, in constant time.
    pub fn csrf_is(&self, told: &str) -> bool {
        self.csrf.as_bytes().ct_eq(told.as_bytes()).into()
    }

    fn is_over(&self, now: DateTime<Utc>) -> bool {
        now - self.used_at > IDLE || now - self.opened_at > LONGEST
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<Sha256, Session>>);

impl Sessions {
    /// A new session, and the cookie that it is known by.
    pub fn open(&self, standing: Standing, now: DateTime<Utc>) -> (String, Session) {
        let cookie = secret();
        let session = Session {
            label: format!("session {}", &secret()[..8]),
            csrf: secret(),
            standing,
            opened_at: now,
            used_at: now,
        };
        let mut held = self.held();
        make_room(&mut held, now);
        held.insert(Sha256::of(cookie.as_bytes()), session.clone());
        (cookie, session)
    }

    /// The session of this cookie, which counts as used now.
    pub fn find(&self, cookie: &str, now: DateTime<Utc>) -> Option<Session> {
        let mut held = self.held();
        let digest = Sha256::of(cookie.as_bytes());
        let session = held.get_mut(&digest)?;
        if session.is_over(now) {
            held.remove(&digest);
            return None;
        }
        session.used_at = now;
        Some(session.clone())
    }

    /// Ends the session of this cookie.
    pub fn close(&self, cookie: &str) {
        self.held().remove(&Sha256::of(cookie.as_bytes()));
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Sha256, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One free place at least.
fn make_room(held: &mut HashMap<Sha256, Session>, now: DateTime<Utc>) {
    if held.len() < ROOM {
        return;
    }
    held.retain(|_, it| !it.is_over(now));
    while held.len() >= ROOM {
        let first = held.iter().min_by_key(|(_, it)| (it.standing, it.used_at));
        let Some(digest) = first.map(|(digest, _)| *digest) else { return };
        held.remove(&digest);
    }
}

/// 256 bits that nobody can guess.
fn secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_session_ends_when_it_is_closed_or_unused_or_old() {
        let sessions = Sessions::default();
        let (cookie, session) = sessions.open(Standing::Inside, noon());
        assert_eq!(sessions.find(&cookie, noon()).unwrap().label, session.label);
        assert!(sessions.find("another", noon()).is_none());
        assert!(sessions.find(&cookie, noon() + TimeDelta::hours(13)).is_none());
        let (cookie, _) = sessions.open(Standing::Inside, noon());
        for hours in (10..168).step_by(10) {
            assert!(sessions.find(&cookie, noon() + TimeDelta::hours(hours)).is_some());
        }
        assert!(sessions.find(&cookie, noon() + TimeDelta::hours(169)).is_none());
        let (cookie, _) = sessions.open(Standing::Inside, noon());
        sessions.close(&cookie);
        assert!(sessions.find(&cookie, noon()).is_none());
    }

    #[test]
    fn a_flood_of_strangers_takes_no_place_from_who_has_signed_in() {
        let sessions = Sessions::default();
        let (cookie, _) = sessions.open(Standing::Inside, noon());
        for second in 0..3000 {
            sessions.open(Standing::Outside, noon() + TimeDelta::seconds(second));
        }
        assert!(sessions.find(&cookie, noon() + TimeDelta::hours(1)).is_some());
        assert_eq!(sessions.held().len(), ROOM);
    }

    #[test]
    fn a_token_of_another_session_is_not_believed() {
        let sessions = Sessions::default();
        let (_, one) = sessions.open(Standing::Inside, noon());
        let (_, other) = sessions.open(Standing::Inside, noon());
        assert!(one.csrf_is(&one.csrf) && !one.csrf_is(&other.csrf) && !one.csrf_is(""));
    }
}
