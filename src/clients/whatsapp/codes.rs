//! What Graph's error codes ask of us: one table, after Meta's error reference. The code decides,
//! never the title and hardly ever the HTTP status, which differs for one and the same code.

/// What a code asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing was done; the same again later.
    Later,
    /// Meta cannot say itself what became of it.
    Unsure,
    /// Too much to one person: wait 4^X seconds.
    Pair,
    /// Too much of what people do not want: a long rest, and a look by the operator.
    Hold,
    /// Over 24 hours since the person wrote: only a template may go.
    WindowClosed,
    /// The token is dead.
    Token,
    /// A permission, a registration, a payment or a policy: only the operator can mend it.
    Blocked,
    /// This person cannot be reached by this message.
    Recipient,
    /// This person has refused marketing.
    OptedOut,
    /// The template is not there, not approved, paused or disabled.
    Template,
    /// The template and what was put into it do not fit.
    TemplateContent,
    /// The request is wrong: our bug.
    Request,
}

use Class::{
    Blocked, Hold, Later, OptedOut, Pair, Recipient, Request, Template, TemplateContent, Token,
    Unsure, WindowClosed,
};

/// First and last code of a row, and what they ask. In ascending order, without overlap.
const TABLE: &[(i32, i32, Class)] = &[
    (0, 0, Token),                 // cannot authenticate the app user
    (1, 1, Unsure),                // unknown, "possibly temporary"
    (2, 2, Unsure), // "unexpected error" or down: Graph says it for any failure inside
    (3, 3, Blocked), // capability or permission
    (4, 4, Later),  // the app's call rate
    (10, 10, Blocked), // permission not granted
    (33, 33, Blocked), // the number was deleted
    (80, 80, Later), // call rate, older spelling
    (100, 100, Request), // invalid parameter (subcode 33: see `class_of`)
    (190, 190, Token), // expired
    (200, 299, Blocked), // permissions
    (368, 368, Blocked), // blocked for policy
    (613, 613, Later), // call rate of one endpoint
    (80007, 80007, Later), // the account's rate
    (130_429, 130_429, Later), // throughput
    (130_472, 130_472, Recipient), // in Meta's experiment group
    (130_497, 130_497, Blocked), // restricted in this country
    (131_000, 131_000, Later), // failed to send, unknown why
    (131_005, 131_005, Blocked), // access denied
    (131_008, 131_009, Request), // parameter missing, invalid
    (131_016, 131_016, Later), // service unavailable
    (131_021, 131_021, Recipient), // to itself
    (131_026, 131_026, Recipient), // undeliverable
    (131_030, 131_030, Recipient), // not in the sandbox's list
    (131_031, 131_031, Blocked), // account locked
    (131_037, 131_037, Blocked), // display name not approved
    (131_042, 131_042, Blocked), // payment
    (131_044, 131_045, Blocked), // payment; registration certificate
    (131_047, 131_047, WindowClosed),
    (131_048, 131_048, Hold),      // spam rate
    (131_049, 131_049, Recipient), // kept back for a healthy ecosystem: not again for 24 h
    (131_050, 131_050, OptedOut),
    (131_051, 131_053, Request), // type, download, upload
    (131_056, 131_056, Pair),
    (131_057, 131_057, Later),           // maintenance
    (131_062, 131_062, Recipient),       // not to a business-scoped id
    (131_063, 131_063, Blocked),         // marketing templates disabled
    (131_064, 131_064, Hold),            // messaging limit
    (132_000, 132_000, TemplateContent), // number of parameters
    (132_001, 132_001, Template),        // missing or not approved
    (132_005, 132_005, TemplateContent), // too long
    (132_007, 132_007, Template),        // policy
    (132_008, 132_008, TemplateContent), // value
    (132_012, 132_012, TemplateContent), // format
    (132_015, 132_016, Template),        // paused, disabled
    (133_004, 133_005, Later),           // server or its PIN check unavailable
    (133_010, 133_010, Blocked),         // number not registered
    (133_016, 133_016, Hold),            // too many registrations
    (135_000, 135_000, Request),         // generic
];

/// "Object does not exist or you may not see it", told as a subcode of 100.
const NO_SUCH_OBJECT: i32 = 33;

/// What `code` asks of us; `None` for one that is not in the table.
pub(super) fn class_of(code: i32, subcode: Option<i32>) -> Option<Class> {
    if code == 100 && subcode == Some(NO_SUCH_OBJECT) {
        return Some(Blocked);
    }
    TABLE.iter().find(|(first, last, _)| (*first..=*last).contains(&code)).map(|row| row.2)
}

/// Whether Graph says that there is no such object (any more).
pub(super) fn says_gone(code: i32, subcode: Option<i32>) -> bool {
    code == 100 && subcode == Some(NO_SUCH_OBJECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_without_overlap() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].1 < pair[1].0, "{pair:?}");
        }
        assert!(TABLE.iter().all(|(first, last, _)| first <= last));
    }

    #[test]
    fn every_code_that_meta_documents_for_sending_has_a_class() {
        let documented = [
            0, 1, 2, 3, 4, 10, 33, 100, 190, 200, 250, 299, 368, 613, 80007, 130_429, 130_472,
            130_497, 131_000, 131_005, 131_008, 131_009, 131_016, 131_021, 131_026, 131_030,
            131_031, 131_037, 131_042, 131_045, 131_047, 131_048, 131_049, 131_050, 131_051,
            131_052, 131_053, 131_056, 131_057, 131_062, 131_063, 131_064, 132_000, 132_001,
            132_005, 132_007, 132_008, 132_012, 132_015, 132_016, 133_004, 133_005, 133_010,
            133_016, 135_000,
        ];
        for code in documented {
            assert!(class_of(code, None).is_some(), "{code}");
        }
        assert_eq!(class_of(999, None), None);
    }

    #[test]
    fn a_missing_object_is_told_from_a_wrong_parameter() {
        assert_eq!(class_of(100, None), Some(Class::Request));
        assert_eq!(class_of(100, Some(33)), Some(Class::Blocked));
    }
}
