//! How each breach is told: what is found, of what its ids are, and what to do.

use crate::domain::breach::Breach;

/// What is found, after the number of them.
pub fn what(breach: Breach) -> &'static str {
    match breach {
        Breach::MessageNotRemembered => "messages would be accepted again if Meta told them again",
        Breach::MessageWithoutJob => "messages of the last 7 days were never owed a job",
        Breach::PhotoWithoutMedia => "messages with a photo of which nothing is known",
        Breach::PhotoNeverFetched => "photos are to be fetched, and nobody does",
        Breach::PhotoWithoutBytes => "photos are said to be here, and their bytes are not",
        Breach::PhotoDamaged => "photos whose bytes are not what their digest says",
        Breach::ReceiptWithoutEntry => "receipts were read and not booked, and nobody is at them",
        Breach::EntryWithoutReceipt => "entries that no reading of a receipt stands behind",
        Breach::EntryWithoutAnswer => "entries of which the sender was told nothing",
        Breach::MessageWithoutAnswer => "photos or other media were not answered",
        Breach::AnswerWithoutEntry => "answers tell of an entry that is not there",
        Breach::AnswerNotSent => "answers are owed, and nobody sends them",
        Breach::AnswerNotTaken => {
            "answers count as sent, and Meta has taken none of their attempts"
        }
        Breach::AnswerTakenTwice => "answers were taken by Meta more than once",
        Breach::ReminderWithoutJob => "reminders are due, and nobody sends them",
        Breach::JobWithoutSubject => {
            "jobs are about a message, reminder or event that is not there"
        }
        Breach::JobDead => "jobs gave up",
        Breach::JobStuck => "jobs should have been done, and wait",
        Breach::LeaseExpired => "leases have lapsed, and no worker took the jobs over",
        Breach::StatusNotSettled => "statuses of our own sends settled nothing",
        Breach::StatusOfNobody => "statuses are of messages that Paragon did not send",
        Breach::CustomerDoubled => "senders have two customers at Stripe",
        Breach::EntryWithoutEvent => {
            "entries of the last 7 days count, and have no event that says so"
        }
        Breach::EventNotDelivered => "events are owed to an endpoint, and nobody sends them",
        Breach::RecordSetAside => "files were set aside, which Postgres will never take",
        Breach::RecordNotReplayed => "segments wait in the spool, and are not replayed",
    }
}

/// Of what the ids are.
pub fn subject(breach: Breach) -> &'static str {
    match breach {
        Breach::MessageNotRemembered
        | Breach::MessageWithoutJob
        | Breach::PhotoWithoutMedia
        | Breach::PhotoNeverFetched
        | Breach::PhotoWithoutBytes
        | Breach::PhotoDamaged
        | Breach::ReceiptWithoutEntry
        | Breach::MessageWithoutAnswer
        | Breach::StatusNotSettled
        | Breach::StatusOfNobody => "messages",
        Breach::EntryWithoutReceipt | Breach::EntryWithoutAnswer | Breach::EntryWithoutEvent => {
            "entries"
        }
        Breach::AnswerWithoutEntry
        | Breach::AnswerNotSent
        | Breach::AnswerNotTaken
        | Breach::AnswerTakenTwice => "replies",
        Breach::ReminderWithoutJob => "reminders",
        Breach::JobWithoutSubject | Breach::JobDead | Breach::JobStuck | Breach::LeaseExpired => {
            "jobs"
        }
        Breach::CustomerDoubled => "senders",
        Breach::EventNotDelivered => "event deliveries",
        Breach::RecordSetAside | Breach::RecordNotReplayed => "files",
    }
}

const OWE_A_JOB: &str = "owe them a job again (docs/audit.md, What nobody works on); a job done twice \
                         does no harm";
const ASK_WORKERS: &str = "does a worker run, and reach Postgres? `paragon status` shows them";
const REPORT: &str = "keep the database as it is and report it: no run of Paragon leaves this behind, \
                      a restore or a hand may have";
const RESTORE: &str =
    "restore the rows of `blobs` from a backup, and look after the disk; the entry stays";

/// What to do.
pub fn remedy(breach: Breach) -> &'static str {
    match breach {
        Breach::MessageWithoutJob
        | Breach::PhotoNeverFetched
        | Breach::ReceiptWithoutEntry
        | Breach::EntryWithoutAnswer
        | Breach::MessageWithoutAnswer
        | Breach::AnswerNotSent
        | Breach::EventNotDelivered => OWE_A_JOB,
        Breach::MessageNotRemembered
        | Breach::PhotoWithoutMedia
        | Breach::EntryWithoutReceipt
        | Breach::AnswerWithoutEntry
        | Breach::AnswerNotTaken
        | Breach::JobWithoutSubject
        | Breach::StatusNotSettled => REPORT,
        Breach::PhotoWithoutBytes | Breach::PhotoDamaged => RESTORE,
        Breach::LeaseExpired => ASK_WORKERS,
        Breach::AnswerTakenTwice => {
            "nothing: Meta's send call cannot be repeated safely (ARCHITECTURE.md, What remains). Many \
             of them are a reason to raise ECHO_WAIT_S"
        }
        Breach::ReminderWithoutJob => {
            "cancel them (`paragon remind --cancel`) and ask for them again under another key"
        }
        Breach::JobDead => "paragon retry --all shows why; mend the cause, then retry them",
        Breach::JobStuck => {
            "`select * from ops.stuck_jobs` says of each what it waits for; `paragon status` shows \
             whether a worker runs"
        }
        Breach::StatusOfNobody => {
            "nothing, where something else sends from this number too (or doctor has tested the \
             webhook); they go after 7 days"
        }
        Breach::CustomerDoubled => "paragon doctor names the customers, and says what to do",
        Breach::EntryWithoutEvent => {
            "have the integrator fetch them (GET /v1/entries); a worker from before events were told \
             leaves this behind: is one still running? If not, report it"
        }
        Breach::RecordSetAside => {
            "docs/custody.md says what they are: look at them, mend the cause, delete them"
        }
        Breach::RecordNotReplayed => "does the ingress of this folder run, and reach Postgres?",
    }
}
