//! What strangers and accidents do to the front door: too much, too slowly, too many at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use simulators::meta::{sign, wire_bytes};

use crate::programs::get;
use crate::rig::{Rig, somebody};

/// A connection to the ingress on which we say what we like.
fn connect(rig: &Rig) -> TcpStream {
    let address = rig.ingress_url.strip_prefix("http://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// The status that is answered on a connection before it is closed; `None` when nothing was said.
fn status(mut stream: TcpStream) -> Option<u16> {
    let mut said = Vec::new();
    let mut part = [0; 1024];
    // A connection that is cut has said what it had to say.
    while let Ok(read @ 1..) = stream.read(&mut part) {
        said.extend_from_slice(&part[..read]);
        if said.len() > 12 {
            break;
        }
    }
    String::from_utf8_lossy(&said).split(' ').nth(1)?.parse().ok()
}

const HEAD: &str = "POST /webhook HTTP/1.1\r\nHost: x\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_a_head_or_a_body_too_slowly_is_sent_away() {
    let rig = Rig::start().await;
    let began = Instant::now();
    let slow =
        [HEAD.to_owned(), format!("{HEAD}Content-Length: 100\r\n\r\nhalf of it")].map(|sent| {
            let mut stream = connect(&rig);
            stream.write_all(sent.as_bytes()).unwrap();
            tokio::task::spawn_blocking(move || status(stream))
        });
    for answer in slow {
        assert_eq!(answer.await.unwrap(), Some(408));
    }
    assert!(began.elapsed() < Duration::from_secs(20), "after {:?}", began.elapsed());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_nothing_of_its_length_is_cut_off_at_3_mb() {
    let rig = Rig::start().await;
    let mut stream = connect(&rig);
    stream.write_all(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; 0x0010_0000], b"\r\n"].concat();
    let answer = tokio::task::spawn_blocking(move || {
        for _ in 0..4 {
            // It may be cut before all of it is written.
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
        status(stream)
    });
    assert_eq!(answer.await.unwrap(), Some(413));
    let too_large = "paragon_ingress_webhooks_total{outcome=\"too_large\"}";
    assert!((rig.metric(too_large).await - 1.0).abs() < 0.5);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_are_refused() {
    let rig = Rig::start().await;
    let many = "X: y\r\n".repeat(200);
    let long = format!("X: {}\r\n", "y".repeat(200_000));
    for headers in [many, long] {
        let mut stream = connect(&rig);
        let sent = format!("{HEAD}{headers}Content-Length: 0\r\n\r\n");
        let answer = tokio::task::spawn_blocking(move || {
            // It may be cut before all of it is written.
            stream.write_all(sent.as_bytes()).ok();
            status(stream)
        });
        let answer = answer.await.unwrap();
        // 403 would mean that they were read to their end, and the signature was missed.
        assert!(matches!(answer, None | Some(400 | 431)), "{answer:?}");
    }
    assert_eq!(get(&format!("{}/healthz", rig.ingress_url)).await, Some(200));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_memory_for_webhooks_is_shed_and_readyz_says_so() {
    let rig = Rig::start_with(&[("WEBHOOKS_IN_FLIGHT_MAX_BYTES", "8000")]).await;
    let mut held = connect(&rig);
    let head = format!("{HEAD}Content-Length: 100000\r\n\r\n{}", "x".repeat(7900));
    held.write_all(head.as_bytes()).unwrap();
    let under_way = "paragon_ingress_request_bytes_in_flight";
    let deadline = Instant::now() + Duration::from_secs(4);
    while rig.metric(under_way).await < 7900.0 {
        assert!(Instant::now() < deadline, "it does not count");
    }

    let bytes = wire_bytes(&rig.meta.webhook([rig.meta.text(&somebody(), "hi")]));
    let signature = sign(&rig.meta.options().app_secret, &bytes);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = || {
        let url = format!("{}/webhook", rig.ingress_url);
        client.post(url).header("X-Hub-Signature-256", &signature).body(bytes.clone()).send()
    };
    let shed = send().await.unwrap();
    assert_eq!(
        (shed.status().as_u16(), &shed.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    let readyz = format!("{}/readyz", rig.ingress_url);
    assert_eq!(get(&readyz).await, Some(503));

    drop(held);
    let deadline = Instant::now() + Duration::from_secs(20);
    while get(&readyz).await != Some(200) {
        assert!(Instant::now() < deadline, "it does not get ready again");
    }
    assert_eq!(send().await.unwrap().status().as_u16(), 200);
    assert!(
        (rig.metric("paragon_ingress_webhooks_total{outcome=\"shed\"}").await - 1.0).abs() < 0.5
    );
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_taken_as_it_was_signed_and_never_unpacked() {
    let rig = Rig::start().await;
    // The head of a gzip stream; whoever unpacked it would fail.
    let bomb: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xec\xc1";
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let signature = sign(&rig.meta.options().app_secret, bomb);
    let answer = client
        .post(format!("{}/webhook", rig.ingress_url))
        .header("X-Hub-Signature-256", signature)
        .header("Content-Encoding", "gzip")
        .body(bomb)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(rig.value::<Vec<u8>>("select raw from kept_items").await, bomb);
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_probes_are_served_beside_the_front_door() {
    let rig = Rig::start().await;
    rig.deliver([rig.meta.text(&somebody(), "hi")]).await;
    assert!((rig.metric("paragon_ingress_items_total{item=\"message\"}").await - 1.0).abs() < 0.5);
    assert!(rig.metric("paragon_ingress_spool_bytes").await < 0.5);
    assert_eq!(get(&format!("{}/metrics", rig.ingress_url)).await, Some(404), "not to the world");
    rig.end().await;
}
