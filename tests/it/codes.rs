//! What each of Meta's error codes comes to, told by the send call or by a status afterwards: a
//! table, which the test prints as it goes. The codes and their classes are those of Meta's error
//! reference, written down here once more and not taken from the client.

use std::fmt::Write as _;

use simulators::meta::Statuses;
use simulators::{Fault, MetaRoute, Sender};

use crate::crashes::is_proof;
use crate::rig::Rig;

/// What must become of an answer that meets a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It rests, burns no attempt, and is sent.
    Rests,
    /// Nobody knows whether it was sent: it waits for the echo, and is then sent.
    Unsure,
    /// It waits for the operator, burns no attempt, and is sent once that is mended.
    Halts,
    /// The number waits for a token, no attempt is burnt, and it is sent once Meta accepts one.
    Pauses,
    /// Free words are over, and no template says this: withheld, with the reason.
    Withheld,
    /// It cannot reach this person or is wrong: given up, visible, and nobody else is held up.
    GivenUp,
}

impl End {
    /// Whether the answer is sent (again) in the end.
    fn is_sent(self) -> bool {
        match self {
            Self::Rests | Self::Unsure | Self::Halts | Self::Pauses => true,
            Self::Withheld | Self::GivenUp => false,
        }
    }
}

/// The rows of Meta's table of errors.
const CLASSES: [(&str, &[i32], End); 11] = [
    ("backoff", &[4, 80007, 130_429, 131_000, 131_016, 131_057, 133_004, 133_005], End::Rests),
    ("unknown", &[1, 2], End::Unsure),
    ("pair limit", &[131_056], End::Rests),
    ("slow down, alert", &[131_048, 131_064, 133_016], End::Rests),
    ("window closed", &[131_047], End::Withheld),
    ("token", &[0, 190], End::Pauses),
    ("permission", &[3, 10, 33, 200, 299, 131_005, 131_037, 131_045, 133_010], End::Halts),
    ("recipient", &[131_026, 131_021, 131_030, 130_472, 131_062, 131_049], End::GivenUp),
    ("opt-out, request", &[131_050, 100, 131_008, 131_009, 131_051, 135_000], End::GivenUp),
    ("policy", &[368, 131_031, 130_497, 131_042, 131_063], End::Halts),
    ("template", &[132_001, 132_007, 132_015, 132_016], End::Halts),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_error_code_told_at_once_ends_as_its_class_says() {
    let mut rig = Rig::start_with(&[("ECHO_WAIT_S", "0")]).await;
    let mut table = "code    class             told at once\n".to_owned();
    for (number, (class, code, end)) in rows().enumerate() {
        let refusal = Fault::Refuse { status: 400, code: code.to_string().leak() };
        rig.meta.fault(MetaRoute::Messages, &refusal, 1);
        let hello = rig.meta.text(&stranger(number), "hello");

        rig.deliver([hello.clone()]).await;
        let id: i64 = rig.value("select max(id) from messages").await;
        let settled = format!(
            "select exists (
                 select from send_attempts join replies on replies.id = reply_id
                 where message_id = {id} and (send_attempts.outcome is not null or lost_at is not null))
             and not exists (select from apalis_lease.jobs where state = 'running')"
        );
        rig.drain_until(&settled).await;
        let became = became(&rig, id).await;
        writeln!(table, "{code:<7} {class:<17} {became}").unwrap();
        check(&rig, id, code, end, &became).await;

        mend(&rig).await;
        rig.drain().await;
        let answers = rig.answers_to(&hello).len();
        let sent = usize::from(end.is_sent());
        assert_eq!(answers, sent, "{code} ({class}): {became}");
    }
    println!("{table}");
    rig.end_with_dead_jobs().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_error_code_told_afterwards_ends_as_its_class_says() {
    let mut rig = Rig::start().await;
    let mut table = "code    class             told by a status\n".to_owned();
    for (number, (class, code, end)) in rows().enumerate() {
        rig.meta.statuses_once(Statuses::Failed(code.into()));
        let hello = rig.meta.text(&stranger(number), "hello");

        rig.deliver([hello.clone()]).await;
        let id: i64 = rig.value("select max(id) from messages").await;
        let acted_on = format!(
            "select exists (
                 select from send_attempts join replies on replies.id = reply_id
                 where message_id = {id} and failed_at is not null)
             and not exists (select from apalis_lease.jobs
                             where state = 'running' or (state = 'waiting' and run_at <= now()))"
        );
        rig.drain_until(&acted_on).await;
        let became = became(&rig, id).await;
        writeln!(table, "{code:<7} {class:<17} {became}").unwrap();

        mend(&rig).await;
        rig.drain().await;
        let answers = rig.answers_to(&hello).len();
        assert_eq!(answers, 1 + usize::from(end.is_sent()), "{code} ({class}): {became}");
    }
    println!("{table}");
    rig.end_with_dead_jobs().await;
}

/// Every code in `make proof`, the first of each class in `make test`.
fn rows() -> impl Iterator<Item = (&'static str, i32, End)> {
    let each = if is_proof() { usize::MAX } else { 1 };
    let of_class = move |codes: &'static [i32]| codes.iter().take(each);
    CLASSES
        .iter()
        .flat_map(move |(class, codes, end)| of_class(codes).map(|code| (*class, *code, *end)))
}

/// Somebody new for each row: help is seldom.
fn stranger(number: usize) -> Sender {
    Sender::with_phone(&format!("4207771{number:05}"), "Somebody")
}

/// What has become of the answer to message `id`, in words.
async fn became(rig: &Rig, id: i64) -> String {
    let job = format!(
        "select coalesce(
             (select case
                     when state = 'dead' then 'given up'
                     when exists (select from apalis_lease.paused_groups as paused
                                  where paused.group_key = jobs.group_key)
                     then format('paused with its number, %s attempts burnt', attempt)
                     else format('waits %s, %s attempts burnt',
                                 case when run_at - now() > interval '30 minutes' then 'an hour'
                                      when run_at - now() > interval '30 seconds' then 'a minute'
                                      else 'seconds' end,
                                 attempt)
                     end || ': ' || reason
              from apalis_lease.jobs
              where (payload ->> 'message_id')::bigint = {id}
              order by id desc
              limit 1),
             (select state || coalesce(': ' || reason, '') from replies where message_id = {id}))"
    );
    rig.value(&job).await
}

async fn check(rig: &Rig, id: i64, code: i32, end: End, became: &str) {
    let is = |part: &str| became.contains(part);
    let sound = match end {
        End::Rests => is("waits") && is("0 attempts burnt") && is("resting as Meta asks"),
        End::Unsure => is("waits"),
        End::Halts => is("waits a minute") && is("0 attempts burnt"),
        End::Pauses => is("paused with its number") && is("0 attempts burnt"),
        End::Withheld => is("withheld: the 24-hour window is closed"),
        End::GivenUp => is("given up"),
    };
    assert!(sound, "{code} should end as {end:?}: {became}");
    let visible: bool =
        rig.value(&format!("select exists (select from ops.dead_jobs where message = {id})")).await;
    assert_eq!(visible, end == End::GivenUp, "{code}: what gave up is to be seen, and only that");
}

/// As if the time had passed, and the operator had done what there was to do.
async fn mend(rig: &Rig) {
    for mended in [
        "delete from paces",
        "delete from pair_paces",
        "update replies set turn_at = null",
        "update send_attempts set failed_at = failed_at - interval '1 day'
         where failed_at is not null",
        "update apalis_lease.jobs set run_at = now() where state = 'waiting'",
    ] {
        sqlx::query(mended).execute(&rig.pool).await.unwrap();
    }
}
