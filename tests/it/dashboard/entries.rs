//! Entries are corrected and confirmed, and what was before is kept.

use super::Desk;
use crate::engines::unsure_answer;
use crate::rig::{CAFE, Rig, somebody};
use crate::talk::Talk;

const ENTRY: &str = "select concat_ws(' ', state, total_minor, currency, tax_minor, merchant,
                                      receipt_date, category) from entries order by id limit 1";
const HISTORY: &str = "select string_agg(concat_ws(' ', what, coalesce(was, '-'), '>',
                                                   coalesce(became, '-')), ', ' order by id)
                       from entry_revisions";
const ACTS: &str =
    "select string_agg(concat_ws(' ', action, subject, details), ', ' order by id) from audit_log";

/// One booked entry: 22.40 GBP.
async fn booked() -> Rig {
    let rig = Rig::start().await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    rig
}

const AS_READ: [(&str, &str); 6] = [
    ("total", "22.40 GBP"),
    ("tax", "3.73 GBP"),
    ("merchant", "The Copper Kettle"),
    ("date", "2026-11-19"),
    ("category", "meals"),
    ("seen", "0"),
];

fn with<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = AS_READ.iter().filter(|(name, _)| !changed.iter().any(|(it, _)| it == name));
    kept.chain(changed).copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_changes_the_entry_keeps_its_history_and_is_audited() {
    let rig = booked().await;
    let desk = Desk::open(&rig.database_url);
    let page = desk.page("/entries/1").await;
    assert!(page.contains("22.40 GBP") && page.contains("The Copper Kettle"), "{page}");

    let same = desk.post("/entries/1/correct", &with(&[])).await;
    assert_eq!(same.header("location"), "/entries/1?did=same", "{}", same.text());
    let changed =
        [("total", "1.234,50 €"), ("tax", ""), ("merchant", "Copper & Sons <b>"), ("category", "")];
    let answer = desk.post("/entries/1/correct", &with(&changed)).await;

    assert_eq!(answer.header("location"), "/entries/1?did=corrected", "{}", answer.text());
    let entry: String = rig.value(ENTRY).await;
    assert_eq!(entry, "booked 123450 EUR Copper & Sons <b> 2026-11-19");
    let history: String = rig.value(HISTORY).await;
    assert_eq!(
        history,
        "category meals > -, merchant The Copper Kettle > Copper & Sons <b>, \
         total 22.40 GBP > 1234.50 EUR, tax 3.73 GBP > -"
    );
    assert_eq!(
        rig.value::<String>(ACTS).await,
        "correct_entry entry 1 merchant, category, total, tax",
        "names what, not whom"
    );
    let page = desk.page("/entries/1").await;
    assert!(page.contains("22.40 GBP") && page.contains("1234.50 EUR"), "before and after");
    assert!(page.contains("Copper &amp; Sons &lt;b&gt;") && !page.contains("Sons <b>"));
    assert!(desk.page("/audit").await.contains("correct entry"));
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_in_words_and_changes_nothing() {
    let rig = booked().await;
    let desk = Desk::open(&rig.database_url);
    let before: String = rig.value(ENTRY).await;

    for (name, value, words) in [
        ("total", "", "cannot become unknown"),
        ("total", "-5 EUR", "above zero"),
        ("total", "12.50 JPY", "more decimals than its currency"),
        ("total", "5 kr", "as in 12.50 EUR"),
        ("total", "soon", "there is no amount in it"),
        ("tax", "99 GBP", "a part of the total"),
        ("tax", "1 EUR", "a part of the total"),
        ("date", "2031-01-01", "between 1990 and today"),
        ("date", "soon", "want a day"),
        ("merchant", "7", "want a name"),
        ("category", "yachts", "no such one"),
    ] {
        let answer = desk.post("/entries/1/correct", &with(&[(name, value)])).await;
        assert_eq!(answer.status, 422, "{name} {value}");
        assert!(answer.text().contains(words), "{name} {value}: {}", answer.text());
    }
    assert_eq!(desk.post("/entries/7/correct", &with(&[])).await.status, 404);

    assert_eq!(rig.value::<String>(ENTRY).await, before);
    assert_eq!(rig.count("entry_revisions").await + rig.count("audit_log").await, 0);
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_who_correct_at_once_the_second_is_told_and_loses_nothing() {
    let rig = booked().await;
    let desk = Desk::open(&rig.database_url);

    let first = desk.post("/entries/1/correct", &with(&[("total", "20 GBP")])).await;
    let second = desk.post("/entries/1/correct", &with(&[("total", "30 GBP")])).await;

    assert_eq!((first.status, second.status), (303, 409));
    assert!(rig.value::<String>(ENTRY).await.starts_with("booked 2000 GBP"));
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_before_the_operators_correction_does_not_undo_it() {
    let mut talk = Talk::start_with(&[]).await;
    let booked = talk.photo("cafe", CAFE).await;
    let words = talk.rig.meta.text(&talk.sender, "12.50").quoting(&booked[0].wamid, "1555");
    talk.rig.deliver([words]).await;
    let desk = Desk::open(&talk.rig.database_url);
    assert_eq!(desk.post("/entries/1/correct", &with(&[("total", "20 GBP")])).await.status, 303);

    talk.rig.drain().await;
    assert!(talk.rig.value::<String>(ENTRY).await.starts_with("booked 2000 GBP"));
    talk.reply(&booked[0].wamid, "15.00").await;

    let entry: String = talk.rig.value(ENTRY).await;
    assert!(entry.starts_with("booked 1500 GBP"), "a later word of the sender's stands: {entry}");
    desk.end().await;
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_entry_is_booked_by_the_operator_and_confirmed_once() {
    let rig = Rig::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    rig.anthropic.script(unsure_answer());
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let desk = Desk::open(&rig.database_url);
    assert!(desk.page("/entries?state=incomplete").await.contains("/entries/1"));

    let answer =
        desk.post("/entries/1/correct", &with(&[("total", "9,90 EUR"), ("tax", "")])).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let confirmed = desk.post("/entries/1/confirm", &[]).await;
    let again = desk.post("/entries/1/confirm", &[]).await;

    assert!(rig.value::<String>(ENTRY).await.starts_with("booked 990 EUR"));
    assert_eq!((confirmed.status, again.status), (303, 409));
    let history: String = rig.value(HISTORY).await;
    assert!(history.ends_with("state incomplete > booked, confirmed - > yes"), "{history}");
    assert!(!desk.page("/entries?confirmed=no").await.contains("/entries/1"));
    let paid: i64 = rig.value("select readings from ops.reading_costs").await;
    assert_eq!(paid, 1, "what was paid for is counted");
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_counts_once_the_operator_says_that_it_is_one_of_its_own() {
    let rig = booked().await;
    rig.deliver([rig.photo(&somebody(), CAFE)]).await;
    rig.drain().await;
    let desk = Desk::open(&rig.database_url);
    assert!(desk.page("/entries/2").await.contains("Looks like"));

    let answer = desk.post("/entries/2/count", &[]).await;

    assert_eq!(answer.status, 303, "{}", answer.text());
    let states: String = rig.value("select string_agg(state, ' ' order by id) from entries").await;
    assert_eq!(states, "booked booked");
    assert_eq!(desk.post("/entries/2/count", &[]).await.status, 409);
    assert_eq!(rig.value::<String>(HISTORY).await, "state duplicate > booked");
    desk.end().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filtered_entries_come_as_csv_that_no_spreadsheet_calculates() {
    let rig = booked().await;
    let desk = Desk::open(&rig.database_url);
    let evil = [("merchant", "=HYPERLINK(A1,\"x\")")];
    assert_eq!(desk.post("/entries/1/correct", &with(&evil)).await.status, 303);
    // Enough for more than one piece.
    let many = "insert into messages (wamid, phone_number_id, phone, kind, sent_at, received_at,
                                      accepted_at, raw)
                select 'many' || n, '1', '420777123456', 'media', now(), now(), now(), ''
                from generate_series(1, 6000) as n";
    sqlx::query(many).execute(&rig.pool).await.unwrap();
    let many = "insert into entries (message_id, sender_id, customer_id, state, merchant,
                                     total_minor, currency, booked_at)
                select id, 1, 'cus_1', 'booked', 'Shop', 1200, 'JPY', now()
                from messages where wamid like 'many%'";
    sqlx::query(many).execute(&rig.pool).await.unwrap();

    let all = desk.get("/entries.csv").await;
    let some = desk.get("/entries.csv?currency=gbp").await;

    assert_eq!(all.header("content-type"), "text/csv; charset=utf-8");
    assert!(all.header("content-disposition").starts_with("attachment; filename=\"entries-"));
    let lines = all.text();
    assert_eq!(lines.lines().count(), 1 + 6001);
    assert!(lines.starts_with("entry,state,booked_at,date,merchant,category,amount,"));
    let yen = lines.lines().nth(1).unwrap();
    assert!(yen.contains(",,Shop,,1200,1200,JPY,,,cus_1,,0,,"), "{yen}");
    let some = some.text();
    assert_eq!(some.lines().count(), 2, "{some}");
    assert!(some.contains("\"'=HYPERLINK(A1,\"\"x\"\")\""), "{some}");
    let acts: String = rig.value(ACTS).await;
    assert!(acts.ends_with("export_entries entries, export_entries entries"), "{acts}");
    desk.end().await;
    rig.end().await;
}
