//! How much is sent and to whom, and who is served how much.

use std::time::Duration;

use paragon::domain::ids::{PhoneNumberId, SenderId};
use paragon::pipeline::worker::SendPace;
use paragon::store::Store;
use simulators::{Fault, MetaRoute, Sender, StripeRoute};

use crate::late::{first_line, grow_old};
use crate::rig::{CAFE, CAT, POTRAVINY, Rig, TANKSTELLE, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn more_photos_than_the_daily_limit_are_told_once_and_not_read() {
    let rig = Rig::start_with(&[("SENDER_DAILY_LIMIT", "2")]).await;
    let photos = [CAFE, POTRAVINY, TANKSTELLE, CAT].map(|it| rig.photo(&somebody(), it));
    for photo in &photos {
        rig.deliver([photo.clone()]).await;
    }
    rig.drain().await;

    assert_eq!(rig.count("readings").await, 2);
    assert_eq!(rig.count("entries").await, 2);
    let answered: Vec<usize> = photos.iter().map(|it| rig.answers_to(it).len()).collect();
    assert_eq!(answered[..2], [1, 1]);
    assert_eq!(answered[2] + answered[3], 1, "the limit is told once a day");
    let told = photos[2..].iter().flat_map(|it| rig.answers_to(it)).next().unwrap();
    assert!(first_line(&told).contains("one day"));
    grow_old(&rig).await;
    rig.drain().await;
    let said = photos[2..].iter().map(|it| rig.answers_to(it).len()).sum::<usize>();
    assert_eq!(said, 1, "no delay is told of what is not taken");

    // Others are not affected, and tomorrow is another day.
    let other = rig.photo(&Sender::with_phone("4915550100199", "Emil"), CAFE);
    let tomorrow = rig.photo(&somebody(), POTRAVINY).at(rig.meta.now());
    sqlx::query("update messages set sent_at = sent_at - interval '25 hours'")
        .execute(&rig.pool)
        .await
        .unwrap();
    rig.deliver([other.clone(), tomorrow.clone()]).await;
    rig.drain().await;
    assert_eq!([&other, &tomorrow].map(|it| rig.answers_to(it).len()), [1, 1]);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_new_senders_are_refused_only_customers_are_served() {
    let rig = Rig::start_with(&[("NEW_SENDERS", "refuse")]).await;
    let customer = simulators::stripe::NewCustomer::with_metadata("whatsapp_phone", "420777123456");
    let theirs = rig.stripe.add_customer(&customer);
    let stranger = Sender::with_phone("4915550100199", "Emil");
    let [hello, photo] = [rig.meta.text(&stranger, "hi"), rig.photo(&stranger, CAFE)];
    let known = rig.photo(&somebody(), CAFE);
    rig.deliver([hello.clone()]).await;
    rig.drain().await;
    rig.deliver([photo.clone(), known.clone()]).await;
    rig.drain().await;

    assert_eq!([&hello, &photo, &known].map(|it| rig.answers_to(it).len()), [1, 0, 1]);
    assert!(first_line(&rig.answers_to(&hello)[0]).contains("registered customers"));
    assert_eq!(rig.value::<String>("select customer_id from entries").await, theirs);
    assert_eq!(rig.count("readings").await, 1, "what a stranger sends is not read");
    assert_eq!(rig.stripe.count(StripeRoute::CustomersCreate), 0);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_turn_is_far_off_comes_back_for_it_and_is_sent_once() {
    let rig = Rig::start().await;
    rig.deliver([rig.meta.text(&somebody(), "hi")]).await;
    rig.drain().await;
    // The burst of messages to this one person is used up, and three more are owed.
    let spent = "update pair_paces set free_at = now() + interval '276 seconds'";
    sqlx::query(spent).execute(&rig.pool).await.unwrap();
    let photo = rig.photo(&somebody(), CAT);

    let began = tokio::time::Instant::now();
    rig.deliver([photo.clone()]).await;
    rig.drain().await;

    assert!(began.elapsed().as_secs() >= 6, "{:?}", began.elapsed());
    assert_eq!(rig.answers_to(&photo).len(), 1);
    let waits = "select count(*) from apalis_lease.attempts where outcome = 'not_before'
                 and reason like '%: too many calls%'";
    assert_eq!(rig.value::<i64>(waits).await, 1, "it is woken once");
    assert_eq!(rig.count("send_attempts").await, 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_meta_wants_less_everybody_on_that_number_rests() {
    let rig = Rig::start().await;
    let limit = Fault::Refuse { status: 400, code: "130429" };
    rig.meta.fault(MetaRoute::Messages, &limit, 1);
    rig.deliver([rig.meta.text(&somebody(), "hi")]).await;
    rig.drain_until("select exists (select from send_attempts where error_code = 130429)").await;
    let other = rig.meta.text(&Sender::with_phone("4915550100199", "Emil"), "hello");
    rig.deliver([other.clone()]).await;
    rig.drain().await;

    let first = "select extract(epoch from min(settled_at) filter (where outcome = 'accepted')
                                - min(settled_at) filter (where outcome = 'refused'))::float8
                 from send_attempts";
    assert!(rig.value::<f64>(first).await >= 1.5, "nothing left while the number rested");
    assert_eq!(rig.meta.sent().len(), 2);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_of_all_workers_together_keep_the_pace_of_their_number() {
    let rig = Rig::start().await;
    let store = Store::open(&rig.database_url, 4).unwrap();
    let paces = [1, 2].map(|_| SendPace::new(20));
    let number = |id: &str| PhoneNumberId::parse(id).unwrap();
    let senders: Vec<i64> = sqlx::query_scalar(
        "insert into senders (phone) select '42077700' || n from generate_series(1000, 1029) as n
         returning id",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    let one = number("100000000000001");
    let mut waits = Vec::new();
    for (place, sender) in senders.into_iter().enumerate() {
        let turn = paces[place % 2].reserve(&store, &one, SenderId(sender)).await.unwrap();
        waits.push(turn);
    }
    let last = waits.iter().max().unwrap();
    assert!(*last >= Duration::from_millis(29 * 50 - 500), "{last:?}");

    let other = number("100000000000002");
    let sender = SenderId(rig.value("select min(id) from senders").await);
    let free = paces[0].reserve(&store, &other, sender).await.unwrap();
    assert_eq!(free, Duration::ZERO, "another number has a pace of its own");
    // The burst to one person is 45 messages, then one each six seconds.
    let (unpaced, third) = (SendPace::new(0), number("100000000000003"));
    let mut to_one = Vec::new();
    for _ in 0..46 {
        to_one.push(unpaced.reserve(&store, &third, sender).await.unwrap());
    }
    assert_eq!(to_one[43], Duration::ZERO);
    assert!(to_one[45] > Duration::from_secs(5), "{:?}", to_one[45]);
    store.close().await;
    rig.end().await;
}
