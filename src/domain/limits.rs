//! Who is served, as the operator wishes.

/// Whether senders are served whom neither we nor Stripe know: `NEW_SENDERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewSenders {
    /// They become customers with their first receipt.
    Accept,
    /// They are told so, at most once a day; nothing of theirs is read.
    Refuse,
}
