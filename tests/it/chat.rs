//! Duplicates are asked about, and a sender corrects an entry in the chat.

use std::path::Path;

use paragon::domain::ids::{CustomerId, MessageId, SenderId};
use paragon::domain::money::{Currency, Decimal};
use paragon::domain::reading::Fields;
use paragon::domain::reply::EntryState;
use paragon::store::Store;
use paragon::store::entries::EntryOwner;
use simulators::Sender;
use simulators::meta::Sent;
use tokio::task::JoinSet;

use crate::engines::{answer, unsure_answer};
use crate::rig::{CAFE, CAT, Rig, TANKSTELLE, TESSERACT};
use crate::talk::Talk;

const ENTRY: &str = "select concat_ws(' ', state, total_minor, currency, category) from entries
                     order by id limit 1";
const STATES: &str = "select string_agg(state, ' ' order by id) from entries";

/// The same photo from another camera: other bytes, the same picture.
fn taken_again(photo: &[u8]) -> Vec<u8> {
    [photo, b"\0"].concat()
}

fn said(answers: &[Sent]) -> &str {
    assert_eq!(answers.len(), 1, "one answer");
    answers[0].text.as_deref().unwrap()
}

/// The whole conversation in one language against its file.
async fn conversation(language: &str, amount: &str, category: &str, thanks: &str) {
    let mut talk = Talk::start_with(&[("REPLY_LANGUAGE", language)]).await;
    let booked = talk.photo("cafe.jpg", CAFE).await;
    let how = talk.press(&booked[0], 1).await;
    talk.reply(&how[0].wamid, amount).await;
    let corrected = talk.reply(&booked[0].wamid, category).await;
    talk.reply(&corrected[0].wamid, thanks).await;
    talk.press(&booked[0], 0).await;
    let asked = talk.photo("cafe.jpg", CAFE).await;
    talk.press(&asked[0], 1).await;
    talk.photo("cat.jpg", CAT).await;
    talk.voice().await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conversations");
    let file = file.join(format!("{language}.txt"));
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let written = talk.written();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conversation-{language}.txt"));
    std::fs::write(&kept, &written).unwrap();
    assert!(written == expected, "{} is not {}:\n{written}", file.display(), kept.display());
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_in_english_reads_as_it_is_written_down() {
    conversation("en", "12.50", "category fuel", "thanks!").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_in_czech_reads_as_it_is_written_down() {
    conversation("cs", "1 234,50 Kč", "kategorie palivo", "děkuji").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_in_german_reads_as_it_is_written_down() {
    conversation("de", "12,50 €", "Kategorie Kraftstoff", "danke").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn right_costs_no_message_and_is_written_down() {
    let mut talk = Talk::start_with(&[]).await;
    let booked = talk.photo("cafe", CAFE).await;

    let answers = talk.press(&booked[0], 0).await;

    assert_eq!(answers.len(), 0);
    let confirmed = "select confirmed_at is not null from entries";
    assert!(talk.rig.value::<bool>(confirmed).await);
    assert_eq!(talk.rig.count("entry_revisions").await, 0);
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_pressed_twice_is_answered_once() {
    let mut talk = Talk::start_with(&[]).await;
    let booked = talk.photo("cafe", CAFE).await;
    let other = talk.photo("tankstelle", TANKSTELLE).await;

    let first = talk.press(&booked[0], 1).await;
    let second = talk.press(&booked[0], 1).await;
    let elsewhere = talk.press(&other[0], 1).await;

    assert_eq!([first.len(), second.len(), elsewhere.len()], [1, 0, 1]);
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_made_once_and_its_history_is_kept() {
    let mut talk = Talk::start_with(&[]).await;
    let photo = talk.rig.photo(&talk.sender, CAFE);
    talk.say("photo", photo.clone()).await;
    let wrong = talk.rig.meta.text(&talk.sender, "€12.50").quoting(&photo.wamid, "1555");

    let answers = talk.say("correction", wrong.clone()).await;
    talk.rig.deliver([wrong.clone()]).await;
    let again = "insert into apalis_lease.jobs (queue, max_attempts, payload)
                 select 'messages', 3, jsonb_build_object('message_id', id) from messages";
    sqlx::query(again).execute(&talk.rig.pool).await.unwrap();
    talk.rig.drain().await;

    assert_eq!(said(&answers), "Corrected ✓ Amount: €12.50");
    assert_eq!(answers[0].quoted.as_deref(), Some(wrong.wamid.as_str()));
    assert_eq!(talk.rig.value::<String>(ENTRY).await, "booked 1250 EUR meals");
    let history =
        "select string_agg(concat_ws(' ', what, was, '>', became, message_id), ', ' order by id)
                   from entry_revisions where what = 'total'";
    assert_eq!(talk.rig.value::<String>(history).await, "total 22.40 GBP > 12.50 EUR 2");
    assert_eq!(talk.rig.meta.sent().len(), 2);
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_stands_whichever_is_worked_on_first() {
    let mut talk = Talk::start_with(&[("WORKER_CONCURRENCY", "4")]).await;
    let booked = talk.photo("cafe", CAFE).await;
    let say = |words| talk.rig.meta.text(&talk.sender, words).quoting(&booked[0].wamid, "1555");
    let words: Vec<_> = ["1.00", "2.00", "3.00", "4.00", "5.00"].map(say).into();

    for word in words {
        talk.rig.deliver([word]).await;
    }
    talk.rig.drain().await;

    assert_eq!(talk.rig.value::<String>(ENTRY).await, "booked 500 GBP meals");
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_photo_before_it_is_read_counts_afterwards() {
    let rig = Rig::start().await;
    let photo = rig.photo(&crate::rig::somebody(), CAFE);
    let words = rig.meta.text(&crate::rig::somebody(), "12.50").quoting(&photo.wamid, "1555");

    rig.deliver([photo, words.clone()]).await;
    rig.drain().await;

    assert_eq!(said(&rig.answers_to(&words)), "Corrected ✓ Amount: £12.50");
    assert_eq!(rig.value::<String>(ENTRY).await, "booked 1250 GBP meals");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_entry_is_booked_once_its_total_is_told() {
    let mut talk = Talk::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    talk.rig.anthropic.script(unsure_answer());
    let kept = talk.photo("cafe", CAFE).await;
    assert_eq!(talk.rig.value::<String>(STATES).await, "incomplete");

    let answers = talk.reply(&kept[0].wamid, "12,50 EUR").await;

    assert_eq!(said(&answers), "Booked ✓ Amount: €12.50");
    assert_eq!(talk.rig.value::<String>(STATES).await, "booked");
    let history = "select string_agg(concat_ws(' ', what, was, '>', became), ', ' order by id)
                   from entry_revisions";
    let kept: String = talk.rig.value(history).await;
    assert_eq!(kept, "total > 12.50 EUR, state incomplete > booked");
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_correction_is_told_what_would_be_one_once_a_day() {
    let mut talk = Talk::start_with(&[]).await;
    let booked = talk.photo("cafe", CAFE).await;

    let first = talk.reply(&booked[0].wamid, "hm").await;
    let second = talk.reply(&booked[0].wamid, "hm?").await;
    let correction = talk.reply(&first[0].wamid, "12.50").await;

    assert_eq!([first.len(), second.len(), correction.len()], [1, 0, 1]);
    assert!(said(&first).contains("category fuel"));
    assert_eq!(talk.rig.value::<String>(ENTRY).await, "booked 1250 GBP meals");
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_touches_the_entry_of_somebody_else() {
    let mut talk = Talk::start_with(&[]).await;
    let booked = talk.photo("cafe", CAFE).await;
    talk.photo("cafe", CAFE).await;
    let ids = ["entry:1:right", "entry:1:wrong", "entry:2:new", "entry:2:same", "entry:999:new"];
    talk.sender = Sender::with_phone("4915550100199", "Emil");

    for id in ids {
        let press = talk.rig.meta.button_reply(&talk.sender, &booked[0], id);
        assert_eq!(talk.say(id, press).await.len(), 0, "{id}");
    }
    let helped = talk.reply(&booked[0].wamid, "99.00").await;

    assert!(said(&helped).starts_with("Send me a photo"), "an ordinary text");
    assert_eq!(talk.rig.value::<String>(STATES).await, "booked duplicate");
    assert_eq!(talk.rig.value::<String>(ENTRY).await, "booked 2240 GBP meals");
    let confirmed = "select count(*) from entries where confirmed_at is not null";
    assert_eq!(talk.rig.value::<i64>(confirmed).await, 0);
    assert_eq!(talk.rig.count("entry_revisions").await, 0);
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_receipt_again_is_asked_about_and_counts_once_the_sender_says_so() {
    for again in [CAFE.to_vec(), taken_again(CAFE)] {
        let mut talk = Talk::start_with(&[TESSERACT]).await;
        talk.photo("cafe", CAFE).await;
        let asked = talk.photo("cafe again", &again).await;
        let question = "This looks like the receipt that I already booked: \
                        The Copper Kettle, £22.40, 19 Nov 2026. Is it the same?";
        assert_eq!(said(&asked), question);
        let booked =
            "select string_agg(concat_ws(' ', state, duplicate_of), ', ' order by id) from entries";
        assert_eq!(talk.rig.value::<String>(booked).await, "booked, duplicate 1");

        let new = talk.press(&asked[0], 1).await;
        let twice = talk.press(&asked[0], 1).await;

        let confirmed = "Booked as a new receipt ✓: The Copper Kettle, £22.40, 19 Nov 2026";
        assert_eq!(said(&new), confirmed);
        assert_eq!(twice.len(), 0, "a button pressed twice does once");
        assert_eq!(talk.rig.value::<String>(booked).await, "booked, booked 1");
        let history = "select concat_ws(' ', entry_id, what, was, became) from entry_revisions";
        assert_eq!(talk.rig.value::<String>(history).await, "2 state duplicate booked");
        talk.rig.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_one_stays_a_duplicate_and_costs_no_message() {
    let mut talk = Talk::start_with(&[]).await;
    talk.photo("cafe", CAFE).await;
    let asked = talk.photo("cafe", CAFE).await;

    let answers = talk.press(&asked[0], 0).await;

    assert_eq!(answers.len(), 0);
    assert_eq!(talk.rig.value::<String>(STATES).await, "booked duplicate");
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_receipt_of_another_sender_is_theirs() {
    let mut talk = Talk::start_with(&[]).await;
    talk.photo("cafe", CAFE).await;
    talk.sender = Sender::with_phone("4915550100199", "Emil");
    talk.photo("cafe", CAFE).await;
    assert_eq!(talk.rig.value::<String>(STATES).await, "booked booked");
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_a_correction_makes_like_another_is_asked_about() {
    let mut talk = Talk::start_with(&[("OCR_ENGINES", "anthropic")]).await;
    talk.rig.anthropic.script(unsure_answer());
    let blurred = talk.photo("blurred", CAFE).await;
    talk.rig.anthropic.script(answer());
    talk.photo("sharper", &taken_again(CAFE)).await;
    assert_eq!(talk.rig.value::<String>(STATES).await, "incomplete booked");

    let asked = talk.reply(&blurred[0].wamid, "22.40").await;

    assert!(said(&asked).contains("already booked"));
    assert_eq!(talk.rig.value::<String>(STATES).await, "duplicate booked");
    talk.press(&asked[0], 1).await;
    assert_eq!(talk.rig.value::<String>(STATES).await, "booked booked");
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alike_at_the_same_moment_one_is_booked_and_the_others_are_duplicates() {
    let rig = Rig::start().await;
    let sender = crate::rig::somebody();
    let photos: Vec<_> = (0..6).map(|_| rig.photo(&sender, CAFE)).collect();
    rig.deliver(photos).await;
    let store = Store::open(&rig.database_url, 6).unwrap();
    let insert = "insert into senders (phone) values ('420777123456') returning id";
    let sender = SenderId(rig.value(insert).await);
    let ids: Vec<i64> =
        sqlx::query_scalar("select id from messages").fetch_all(&rig.pool).await.unwrap();
    let mut recording = JoinSet::new();
    for id in ids {
        let (store, now) = (store.clone(), rig.meta.now());
        let customer = CustomerId("cus_test".to_owned());
        let owner = EntryOwner { message: MessageId(id), sender, customer };
        let fields = Fields {
            total: Decimal::parse("12.50").ok(),
            currency: Some(Currency::EUR),
            ..Fields::default()
        };
        recording
            .spawn(async move { store.record_entry(&owner, &fields, None, now).await.unwrap() });
    }
    let recorded = recording.join_all().await;

    let booked = recorded.iter().filter(|it| it.entry.state == EntryState::Booked).count();
    let asked = recorded.iter().filter(|it| it.repeats.is_some()).count();
    assert_eq!((booked, asked), (1, 5));
    store.close().await;
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_a_template_counts_like_one_on_a_message() {
    let mut talk = Talk::start_with(&[]).await;
    let booked = talk.photo("cafe", CAFE).await;
    let right = talk.rig.meta.quick_reply(&talk.sender, &booked[0], "entry:1:right");
    assert_eq!(talk.say("right", right).await.len(), 0);
    assert!(talk.rig.value::<bool>("select confirmed_at is not null from entries").await);
    talk.rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_reading_lacks_the_date_a_picture_that_looks_the_same_decides() {
    let mut dateless = answer();
    dateless["date"] = serde_json::Value::Null;
    for (second, states) in
        [(taken_again(CAFE), "booked duplicate"), (TANKSTELLE.to_vec(), "booked booked")]
    {
        let mut talk = Talk::start_with(&[("OCR_ENGINES", "anthropic")]).await;
        talk.rig.anthropic.script(answer());
        talk.photo("cafe", CAFE).await;
        talk.rig.anthropic.script(dateless.clone());
        talk.photo("without its date", &second).await;
        assert_eq!(talk.rig.value::<String>(STATES).await, states);
        talk.rig.end().await;
    }
}
