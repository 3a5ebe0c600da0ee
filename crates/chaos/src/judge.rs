//! What was promised, held against what Meta, Stripe and the integrator know and what the database holds. Pure: rows in,
//! broken promises out.

use std::collections::{BTreeSet, HashMap};

use crate::outside::{Entry, Rows};
use crate::story::What;
use crate::truth::{Event, Truth, Written};

/// What it came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Promises that were broken, each in words.
    pub broken: Vec<String>,
    /// Messages that were acknowledged.
    pub acknowledged: usize,
    /// Receipts among them.
    pub receipts: usize,
    /// Answers that Meta has, each counted once.
    pub answers: usize,
    /// Answers that Meta has twice, within the window that the architecture names.
    pub doubled: usize,
    /// Senders with a receipt, each with one customer.
    pub customers: usize,
    /// Events that the integrator's endpoints have, each counted once an endpoint.
    pub events: usize,
    /// Events that came again, as a receiver must expect.
    pub events_again: usize,
}

/// Judges.
pub fn judge(truth: &Truth, rows: &Rows) -> Verdict {
    let mut verdict = Verdict::default();
    let case = Case { truth, rows, entries: by(&rows.entries, |it| it.wamid.as_str()) };
    case.custody(&mut verdict);
    case.entries(&mut verdict);
    case.customers(&mut verdict);
    case.answers(&mut verdict);
    case.events(&mut verdict);
    verdict
}

struct Case<'a> {
    truth: &'a Truth,
    rows: &'a Rows,
    entries: HashMap<&'a str, Vec<&'a Entry>>,
}

fn by<'a, T, K: std::hash::Hash + Eq>(
    all: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> HashMap<K, Vec<&'a T>> {
    let mut groups: HashMap<K, Vec<&T>> = HashMap::new();
    for one in all {
        groups.entry(key(one)).or_default().push(one);
    }
    groups
}

impl Case<'_> {
    /// What was answered 200 is there, once.
    fn custody(&self, verdict: &mut Verdict) {
        for (place, message) in self.truth.said.iter().enumerate() {
            let there = self.rows.messages.get(&message.wamid).copied().unwrap_or(0);
            verdict.acknowledged += usize::from(message.acknowledged);
            verdict.receipts += usize::from(message.acknowledged && message.what.is_receipt());
            if !message.acknowledged {
                verdict.broken.push(format!("message {place} was never answered 200"));
            } else if there != 1 {
                verdict.broken.push(format!("message {place} is there {there} times"));
            }
        }
    }

    /// Each receipt has one entry with the amount that stands on it; nothing else has one.
    fn entries(&self, verdict: &mut Verdict) {
        for (place, message) in self.truth.said.iter().enumerate() {
            let entries = self.entries.get(message.wamid.as_str()).map_or(&[][..], Vec::as_slice);
            if entries.len() != usize::from(message.what.is_receipt()) {
                let (what, many) = (message.what, entries.len());
                verdict.broken.push(format!("message {place} ({what:?}) has {many} entries"));
            }
            let What::Receipt(pence) = message.what else { continue };
            if let [entry] = entries
                && entry.total != Some(i64::from(pence))
            {
                verdict.broken.push(format!("message {place} was booked with another amount"));
            }
        }
    }

    /// Each sender of a receipt is one customer at Stripe, with all their entries; nobody else is one.
    fn customers(&self, verdict: &mut Verdict) {
        let mut at_stripe: HashMap<&str, Vec<&str>> = HashMap::new();
        for (phone, id) in &self.truth.customers {
            at_stripe.entry(phone).or_default().push(id);
        }
        let receipts = self.truth.said.iter().filter(|it| it.what.is_receipt());
        let senders: BTreeSet<&str> = receipts.map(|it| it.phone.as_str()).collect();
        for phone in at_stripe.keys().filter(|it| !senders.contains(**it)) {
            verdict.broken.push(format!("a customer without a receipt (sender {})", number(phone)));
        }
        for phone in senders {
            let theirs = at_stripe.get(phone).map_or(&[][..], Vec::as_slice);
            if theirs.len() != 1 {
                let many = theirs.len();
                verdict.broken.push(format!("sender {} is {many} customers", number(phone)));
            }
            verdict.customers += usize::from(theirs.len() == 1);
            let booked = self.truth.said.iter().filter(|it| it.phone == phone);
            let booked = booked.filter_map(|it| self.entries.get(it.wamid.as_str())).flatten();
            if booked.into_iter().any(|it| !theirs.contains(&it.customer.as_str())) {
                let who = number(phone);
                verdict.broken.push(format!("an entry of sender {who} is on another customer"));
            }
        }
    }

    /// Each message that is to be answered has one answer; texts one help a sender.
    fn answers(&self, verdict: &mut Verdict) {
        let mut answers: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for sent in &self.truth.sent {
            match self.rows.attempts.get(&sent.attempt) {
                None => verdict.broken.push("something was sent of which no row tells".to_owned()),
                Some(attempt) if attempt.part == "answer" => {
                    answers.entry(&attempt.wamid).or_default().insert(&sent.attempt);
                }
                Some(_) => {}
            }
        }
        for (place, message) in self.truth.said.iter().enumerate() {
            let theirs = answers.get(message.wamid.as_str());
            let many = theirs.map_or(0, BTreeSet::len);
            verdict.answers += many.min(1);
            match many {
                0 if message.what.is_answered() => {
                    verdict
                        .broken
                        .push(format!("message {place} ({:?}) has no answer", message.what));
                }
                0 | 1 => {}
                _ => self.doubled(place, message, theirs, verdict),
            }
        }
        for (phone, helps) in self.rows.helps.iter().filter(|(_, helps)| **helps > 1) {
            verdict.broken.push(format!("sender {} was helped {helps} times", number(phone)));
        }
    }

    /// Each endpoint was told once of each entry that counts, with its amount, and of nothing else.
    fn events(&self, verdict: &mut Verdict) {
        let places = self.truth.said.iter().enumerate();
        let places: HashMap<&str, usize> =
            places.map(|(place, it)| (it.wamid.as_str(), place)).collect();
        for (number, told) in self.truth.told.iter().enumerate() {
            let events: HashMap<&str, &Event> =
                told.iter().map(|it| (it.id.as_str(), it)).collect();
            verdict.events += events.len();
            verdict.events_again += told.len() - events.len();
            let mut booked: HashMap<&str, Vec<&Event>> = HashMap::new();
            for event in events.into_values() {
                match self.rows.wamids.get(&event.message) {
                    Some(wamid) if event.kind == "entry.booked" => {
                        booked.entry(wamid).or_default().push(event);
                    }
                    _ => verdict.broken.push(format!(
                        "endpoint {number} was told {} of message row {}",
                        event.kind, event.message
                    )),
                }
            }
            for entry in &self.rows.entries {
                let events = booked.remove(entry.wamid.as_str()).unwrap_or_default();
                let place = places.get(entry.wamid.as_str()).copied().unwrap_or_default();
                if events.len() != usize::from(entry.state == "booked") {
                    let (many, state) = (events.len(), &entry.state);
                    verdict.broken.push(format!(
                        "endpoint {number} has {many} events of the {state} entry of message {place}"
                    ));
                }
                if events.iter().any(|it| it.total != entry.total) {
                    verdict.broken.push(format!(
                        "endpoint {number} was told another amount of message {place}"
                    ));
                }
            }
            if !booked.is_empty() {
                let many = booked.len();
                verdict
                    .broken
                    .push(format!("endpoint {number} was told of {many} entries too many"));
            }
        }
    }

    /// Sent again: allowed where no echo of what was sent before had been answered 200 by then.
    fn doubled(
        &self,
        place: usize,
        message: &Written,
        attempts: Option<&BTreeSet<&str>>,
        verdict: &mut Verdict,
    ) {
        let when = |id: &&str| self.rows.attempts.get(*id).map(|it| it.intended_at);
        let mut attempts: Vec<&str> = attempts.into_iter().flatten().copied().collect();
        attempts.sort_by_key(when);
        verdict.doubled += attempts.len() - 1;
        for pair in attempts.windows(2) {
            let heard =
                self.truth.echoes.iter().filter(|it| it.attempt == pair[0]).map(|it| it.at).min();
            if heard.is_some_and(|heard| when(&pair[1]).is_some_and(|again| heard < again)) {
                let what = message.what;
                verdict.broken.push(format!(
                    "message {place} ({what:?}) was answered again although the echo was there"
                ));
            }
        }
    }
}

/// Enough to find the sender in the story.
fn number(phone: &str) -> &str {
    phone.get(4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::outside::Attempt;
    use crate::truth::{Echo, Sent};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn written(wamid: &str, what: What) -> Written {
        Written { wamid: wamid.into(), phone: "420700000001".into(), what, acknowledged: true }
    }

    fn sent(attempt: &str) -> Sent {
        Sent { quoted: None, attempt: attempt.into(), at: at(1) }
    }

    fn attempt(wamid: &str, seconds: i64) -> Attempt {
        Attempt { wamid: wamid.into(), part: "answer".into(), intended_at: at(seconds) }
    }

    fn booked(id: &str, message: i64) -> Event {
        Event { id: id.into(), kind: "entry.booked".into(), message, total: Some(1234) }
    }

    /// A receipt and a cat of one sender, and all that is owed.
    fn kept() -> (Truth, Rows) {
        let truth = Truth {
            said: vec![written("r", What::Receipt(1234)), written("c", What::Cat)],
            sent: vec![sent("1"), sent("2")],
            customers: vec![("420700000001".into(), "cus_1".into())],
            told: vec![vec![booked("evt_1", 1), booked("evt_1", 1)]],
            ..Truth::default()
        };
        let entry = Entry {
            wamid: "r".into(),
            customer: "cus_1".into(),
            total: Some(1234),
            state: "booked".into(),
        };
        let rows = Rows {
            messages: [("r".into(), 1), ("c".into(), 1)].into(),
            entries: vec![entry],
            attempts: [("1".into(), attempt("r", 1)), ("2".into(), attempt("c", 1))].into(),
            helps: HashMap::new(),
            wamids: [(1, "r".into()), (2, "c".into())].into(),
        };
        (truth, rows)
    }

    /// With that change so many promises are broken, the first in words with `said` in them.
    fn check(change: impl FnOnce(&mut Truth, &mut Rows), broken: usize, said: &str) {
        let (mut truth, mut rows) = kept();
        change(&mut truth, &mut rows);
        let verdict = judge(&truth, &rows);
        assert_eq!(verdict.broken.len(), broken, "{said}: {:?}", verdict.broken);
        assert!(verdict.broken.first().is_none_or(|it| it.contains(said)), "{:?}", verdict.broken);
    }

    #[test]
    fn each_broken_promise_is_told() {
        check(|_, _| {}, 0, "");
        check(|truth, _| truth.said[1].acknowledged = false, 1, "never answered 200");
        check(|_, rows| rows.messages = [("r".into(), 1)].into(), 1, "there 0 times");
        check(|_, rows| rows.entries.clear(), 2, "has 0 entries");
        check(|_, rows| rows.entries.push(rows.entries[0].clone()), 2, "has 2 entries");
        check(|_, rows| rows.entries[0].total = Some(1), 2, "booked with another amount");
        check(|_, rows| rows.entries[0].customer = "cus_2".into(), 1, "on another customer");
        let second = ("420700000001".to_owned(), "cus_2".to_owned());
        check(|truth, _| truth.customers.push(second), 1, "is 2 customers");
        let stranger = ("420700000009".to_owned(), "cus_9".to_owned());
        check(|truth, _| truth.customers.push(stranger), 1, "without a receipt");
        check(|truth, _| drop(truth.sent.pop()), 1, "has no answer");
        check(|truth, _| truth.sent.push(sent("9")), 1, "no row tells");
        check(|_, rows| rows.helps = [("420700000001".into(), 2)].into(), 1, "helped 2 times");
        check(|truth, _| truth.told[0].clear(), 1, "has 0 events of the booked entry");
        check(|truth, _| truth.told[0].push(booked("evt_2", 1)), 1, "has 2 events");
        check(|truth, _| truth.told[0].push(booked("evt_2", 2)), 1, "1 entries too many");
        check(|truth, _| truth.told[0].push(booked("evt_2", 3)), 1, "of message row 3");
        check(|_, rows| rows.entries[0].state = "duplicate".into(), 1, "of the duplicate entry");
        let other = Event { total: Some(1), ..booked("evt_1", 1) };
        check(|truth, _| truth.told = vec![vec![other]], 1, "told another amount");
    }

    #[test]
    fn an_answer_may_be_doubled_only_while_no_echo_of_it_was_heard() {
        let again = |truth: &mut Truth, rows: &mut Rows| {
            truth.sent.push(sent("3"));
            rows.attempts.insert("3".into(), attempt("c", 60));
        };
        let (mut truth, mut rows) = kept();
        again(&mut truth, &mut rows);
        truth.echoes.push(Echo { attempt: "2".into(), at: at(61) });
        let verdict = judge(&truth, &rows);
        assert_eq!((verdict.doubled, verdict.answers, verdict.broken.len()), (1, 2, 0));
        truth.echoes.push(Echo { attempt: "2".into(), at: at(59) });
        assert!(judge(&truth, &rows).broken[0].contains("although the echo was there"));
    }

    #[test]
    fn one_attempt_that_a_proxy_made_two_of_is_one_answer() {
        check(|truth, _| truth.sent.push(sent("2")), 0, "");
    }
}
