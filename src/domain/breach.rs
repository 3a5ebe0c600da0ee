//! What must never be found in the database, each by its name. How it is looked for is the store's
//! business, what is to be done about it the operator's command's.

/// A promise that the rows do not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breach {
    /// A message whose id would be accepted again.
    MessageNotRemembered,
    /// A message that no job was ever owed.
    MessageWithoutJob,
    /// A photo's message of which nobody knows where the photo is.
    PhotoWithoutMedia,
    /// A photo that is to be fetched, and by nobody.
    PhotoNeverFetched,
    /// A photo that is said to be here, and is not.
    PhotoWithoutBytes,
    /// A photo whose bytes are not what their digest says.
    PhotoDamaged,
    /// A receipt that was read and not booked.
    ReceiptWithoutEntry,
    /// An entry that no reading stands behind.
    EntryWithoutReceipt,
    /// An entry of which its sender was told nothing.
    EntryWithoutAnswer,
    /// Something else that should have been answered.
    MessageWithoutAnswer,
    /// An answer about an entry that is not there.
    AnswerWithoutEntry,
    /// An answer that is owed, and nobody is at it.
    AnswerNotSent,
    /// An answer that counts as sent, although no attempt was taken by Meta.
    AnswerNotTaken,
    /// An answer that Meta took more than once.
    AnswerTakenTwice,
    /// A reminder that is due, and nobody is at it.
    ReminderWithoutJob,
    /// A job about nothing.
    JobWithoutSubject,
    /// A job that gave up.
    JobDead,
    /// A job that should have been done, and was not.
    JobStuck,
    /// A job whose worker is gone, and that no other took over.
    LeaseExpired,
    /// A status of one of our own sends that settled nothing.
    StatusNotSettled,
    /// A status of a message that nobody here has sent.
    StatusOfNobody,
    /// A sender for whom Stripe showed two customers.
    CustomerDoubled,
    /// An entry that counts, and of which nobody is told.
    EntryWithoutEvent,
    /// An event that an endpoint is owed, and nobody is at it.
    EventNotDelivered,
    /// A webhook that no Postgres will ever take.
    RecordSetAside,
    /// A webhook that waits in the spool and is not replayed.
    RecordNotReplayed,
}

impl Breach {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 26] = [
        Self::MessageNotRemembered,
        Self::MessageWithoutJob,
        Self::PhotoWithoutMedia,
        Self::PhotoNeverFetched,
        Self::PhotoWithoutBytes,
        Self::PhotoDamaged,
        Self::ReceiptWithoutEntry,
        Self::EntryWithoutReceipt,
        Self::EntryWithoutAnswer,
        Self::MessageWithoutAnswer,
        Self::AnswerWithoutEntry,
        Self::AnswerNotSent,
        Self::AnswerNotTaken,
        Self::AnswerTakenTwice,
        Self::ReminderWithoutJob,
        Self::JobWithoutSubject,
        Self::JobDead,
        Self::JobStuck,
        Self::LeaseExpired,
        Self::StatusNotSettled,
        Self::StatusOfNobody,
        Self::CustomerDoubled,
        Self::EntryWithoutEvent,
        Self::EventNotDelivered,
        Self::RecordSetAside,
        Self::RecordNotReplayed,
    ];

    /// Its name, for scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::MessageNotRemembered => "messages_not_remembered",
            Self::MessageWithoutJob => "messages_without_job",
            Self::PhotoWithoutMedia => "photos_without_media",
            Self::PhotoNeverFetched => "photos_never_fetched",
            Self::PhotoWithoutBytes => "photos_without_bytes",
            Self::PhotoDamaged => "photos_damaged",
            Self::ReceiptWithoutEntry => "receipts_without_entry",
            Self::EntryWithoutReceipt => "entries_without_receipt",
            Self::EntryWithoutAnswer => "entries_without_answer",
            Self::MessageWithoutAnswer => "messages_without_answer",
            Self::AnswerWithoutEntry => "answers_without_entry",
            Self::AnswerNotSent => "answers_not_sent",
            Self::AnswerNotTaken => "answers_not_taken",
            Self::AnswerTakenTwice => "answers_taken_twice",
            Self::ReminderWithoutJob => "reminders_without_job",
            Self::JobWithoutSubject => "jobs_without_subject",
            Self::JobDead => "jobs_dead",
            Self::JobStuck => "jobs_stuck",
            Self::LeaseExpired => "leases_expired",
            Self::StatusNotSettled => "statuses_not_settled",
            Self::StatusOfNobody => "statuses_of_nobody",
            Self::CustomerDoubled => "customers_doubled",
            Self::EntryWithoutEvent => "entries_without_event",
            Self::EventNotDelivered => "events_not_delivered",
            Self::RecordSetAside => "records_set_aside",
            Self::RecordNotReplayed => "records_not_replayed",
        }
    }

    /// Whether it may happen in a healthy system, and nothing is to be mended: it is counted, no more.
    pub fn is_only_counted(self) -> bool {
        matches!(self, Self::AnswerTakenTwice | Self::StatusOfNobody)
    }
}
