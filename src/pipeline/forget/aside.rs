//! The files that were set aside in the spool's folder: what is theirs is taken out of them, what is
//! others' stays.

use super::{Forget, NotForgotten, Report};
use crate::domain::person::Person;
use crate::spool::{Record, set_aside_in};

impl Forget {
    /// Counts what [`Forget::clear_aside`] would clear.
    pub(super) fn look_aside(
        &self,
        person: &Person,
        report: &mut Report,
    ) -> Result<(), NotForgotten> {
        for aside in set_aside_in(&self.spool_dir)? {
            let aside = aside?;
            let names = |it: &&Record| person.is_named_in(&it.body, it.received_at);
            let theirs = aside.records.iter().filter(names).count();
            report.set_aside += u64::try_from(theirs).unwrap_or_default();
        }
        Ok(())
    }

    /// Takes them out of what was set aside. A damaged file is left, and told.
    pub(super) fn clear_aside(
        &self,
        person: &Person,
        report: &mut Report,
    ) -> Result<(), NotForgotten> {
        let now = self.ledger.clock.now();
        for aside in set_aside_in(&self.spool_dir)? {
            let aside = aside?;
            if let Some(bytes) = &aside.damaged {
                if person.is_named_in(bytes, now) {
                    report.damaged.push(aside.path().to_owned());
                }
                continue;
            }
            let (mut kept, mut cleared) = (Vec::new(), 0_u64);
            for record in &aside.records {
                if person.is_named_in(&record.body, record.received_at) {
                    cleared += 1;
                    kept.extend(without(person, record));
                } else {
                    kept.push(record.clone());
                }
            }
            if cleared > 0 {
                aside.replace(&kept)?;
                report.set_aside += cleared;
            }
        }
        Ok(())
    }
}

/// The record without what is theirs; `None` when nothing of it can be kept.
fn without(person: &Person, record: &Record) -> Option<Record> {
    let body = person.taken_out_of(&record.body, record.received_at)?;
    let named = |wamid: &str| {
        let told = format!("\"{wamid}\"");
        body.windows(told.len()).any(|it| it == told.as_bytes())
    };
    // A photo goes with its message.
    let photos: Vec<_> =
        record.photos.iter().filter(|it| named(it.wamid.as_str())).cloned().collect();
    let received_at = record.received_at;
    Some(Record { received_at, trace_parent: record.trace_parent.clone(), body, photos })
}
