//! A photo that takes over a minute: one word, and then its answer.

use simulators::meta::Sent;
use simulators::{Fault, StripeRoute};

use crate::rig::{CAFE, CAT, Rig, somebody};

pub fn first_line(sent: &Sent) -> String {
    sent.text.as_deref().unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

/// As if everything had been accepted two minutes ago.
pub async fn grow_old(rig: &Rig) {
    sqlx::query("update messages set accepted_at = accepted_at - interval '2 minutes'")
        .execute(&rig.pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_takes_over_a_minute_gets_one_word_and_then_its_answer() {
    let rig = Rig::start().await;
    rig.stripe.fault(
        StripeRoute::CustomersSearch,
        &Fault::TooManyRequests { retry_after: Some(8) },
        1,
    );
    let photo = rig.photo(&somebody(), CAFE);
    rig.deliver([photo.clone()]).await;
    grow_old(&rig).await;

    rig.drain().await;
    rig.drain().await;

    let said: Vec<String> = rig.answers_to(&photo).iter().map(first_line).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("a little longer"), "{said:?}");
    assert!(said[1].contains("Booked"), "{said:?}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_delay_that_comes_too_late_is_not_said() {
    let rig = Rig::start().await;
    let photo = rig.photo(&somebody(), CAT);
    rig.deliver([photo.clone()]).await;
    rig.drain().await;
    // The look comes when the answer is there already.
    grow_old(&rig).await;
    rig.drain().await;
    assert_eq!(rig.answers_to(&photo).len(), 1);

    // The word is worded and has not left when the answer is ready.
    let late = rig.photo(&somebody(), CAT);
    rig.deliver([late.clone()]).await;
    let worded = "insert into replies (message_id, sender_id, part, outcome, language, body,
                                       parameters, state, created_at)
                  select max(messages.id), min(senders.id), 'delay', 'takes_longer', 'en', 'Later.',
                         '{}', 'owed', now()
                  from messages, senders";
    sqlx::query(worded).execute(&rig.pool).await.unwrap();
    rig.drain().await;
    assert_eq!(rig.answers_to(&late).len(), 1);
    let withheld = "select reason from replies where part = 'delay'";
    assert_eq!(rig.value::<String>(withheld).await, "the answer was ready");
    rig.end().await;
}
