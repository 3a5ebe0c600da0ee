//! How far an answer has come. Meta's statuses are repeated, out of order, skip steps and may
//! precede the answer to our own send call; this never goes backwards.

/// sent < delivered < read; failed is the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Meta has it.
    Sent,
    /// The phone has it.
    Delivered,
    /// The person has seen it (`played` counts as read).
    Read,
    /// It will not arrive.
    Failed,
}

impl Delivery {
    /// Reads Meta's word; `None` for one that we do not know.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "sent" => Some(Self::Sent),
            "delivered" => Some(Self::Delivered),
            "read" | "played" => Some(Self::Read),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }

    /// Our word for it, in SQL and in views.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// Meta's code of a message that the person has refused to be sent.
pub const OPTED_OUT: i32 = 131_050;

/// What Meta said of one of our sends: told once or ten times, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    /// The message that we sent.
    pub wamid: super::ids::Wamid,
    /// The number that it was sent from, where told.
    pub phone_number_id: Option<super::ids::PhoneNumberId>,
    /// How far it has come.
    pub delivery: Delivery,
    /// Meta's time of it.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Our attempt, when the status echoes one.
    pub attempt: Option<super::ids::AttemptId>,
    /// Meta's error code, of a failed one.
    pub error_code: Option<i32>,
    /// What it is charged as, where told.
    pub pricing: Option<Pricing>,
}

/// What Meta charges for a message, in its own words. How much that is stands in its price list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// Whether it costs anything.
    pub billable: bool,
    /// `PMP` (for each message) or `CBP` (for each conversation, until 2025).
    pub model: Option<String>,
    /// `regular`, `free_customer_service`, `free_entry_point`.
    pub kind: Option<String>,
    /// `service`, `utility`, `marketing` …
    pub category: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_sent_is_less_than_a_read_and_nothing_is_more_than_failed() {
        let mut told = [Delivery::Failed, Delivery::Sent, Delivery::Read, Delivery::Delivered];
        told.sort();
        assert_eq!(told, [Delivery::Sent, Delivery::Delivered, Delivery::Read, Delivery::Failed]);
    }

    #[test]
    fn every_word_of_ours_is_read_back() {
        for delivery in [Delivery::Sent, Delivery::Delivered, Delivery::Read, Delivery::Failed] {
            assert_eq!(Delivery::parse(delivery.as_str()), Some(delivery));
        }
        assert_eq!(Delivery::parse("warning"), None);
    }
}
