//! Meta's Graph, Stripe and Anthropic as one server: it has a photo under every media id, no customer
//! before one is made, reads a receipt on every photo, and takes every message, each after a pause. It
//! checks nothing; of each call it notes which photo it was for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::http::find;
use crate::journeys::Journeys;
use crate::{payloads, photo};

/// How long each of them takes.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Graph, for the media object.
    pub object: Duration,
    /// Graph, for the bytes.
    pub bytes: Duration,
    /// The paid engine: these in turn.
    pub reading: &'static [Duration],
    /// Stripe, for each call.
    pub stripe: Duration,
    /// Graph, for a message, a read mark or a typing indicator.
    pub send: Duration,
}

impl Manners {
    /// As they are: Graph 60 + 80 ms, a reading half within 2.5 s, Stripe 80 ms, a send 120 ms.
    pub const REAL: Self = Self {
        object: Duration::from_millis(60),
        bytes: Duration::from_millis(80),
        reading: &READINGS,
        stripe: Duration::from_millis(80),
        send: Duration::from_millis(120),
    };
    /// All at once.
    pub const NONE: Self = Self {
        object: Duration::ZERO,
        bytes: Duration::ZERO,
        reading: &[Duration::ZERO],
        stripe: Duration::ZERO,
        send: Duration::ZERO,
    };
}

/// Ten slices of a distribution with a long tail, in an order that mixes them.
const READINGS: [Duration; 10] = [
    Duration::from_millis(2_400),
    Duration::from_millis(1_500),
    Duration::from_millis(3_600),
    Duration::from_millis(2_050),
    Duration::from_millis(2_800),
    Duration::from_millis(1_800),
    Duration::from_millis(4_900),
    Duration::from_millis(2_200),
    Duration::from_millis(3_100),
    Duration::from_millis(2_600),
];

/// All of them, until this is dropped.
pub struct Others {
    /// Host and port.
    pub address: SocketAddr,
    /// What was asked, photo by photo.
    pub journeys: Arc<Journeys>,
    _serving: JoinSet<()>,
}

struct Desk {
    host: SocketAddr,
    manners: Manners,
    photo: Vec<u8>,
    journeys: Arc<Journeys>,
    given: AtomicUsize,
}

impl Others {
    /// Starts them on a free port of the loopback interface. Every media id has `photo`, with its number.
    pub async fn start(manners: Manners, photo: Vec<u8>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let journeys = Arc::new(Journeys::default());
        let given = AtomicUsize::new(1);
        let desk = Desk { host: address, manners, photo, journeys: Arc::clone(&journeys), given };
        let desk = Arc::new(desk);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&desk)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, journeys, _serving: serving })
    }
}

/// Whose call it is, how long it takes, and what is answered.
struct Reply {
    number: Option<usize>,
    after: Duration,
    kind: &'static str,
    body: Vec<u8>,
}

impl Reply {
    fn json(number: Option<usize>, after: Duration, body: &Value) -> Self {
        Self { number, after, kind: "application/json", body: body.to_string().into_bytes() }
    }
}

async fn serve(mut stream: TcpStream, desk: Arc<Desk>) {
    stream.set_nodelay(true).ok();
    let mut read = Vec::with_capacity(4096);
    while let Ok(Some((head, body))) = request(&mut stream, &mut read).await {
        let began = Instant::now();
        let reply = desk.reply(&head, &body);
        if !reply.after.is_zero() {
            tokio::time::sleep(reply.after).await;
        }
        if let Some(number) = reply.number {
            desk.journeys.waited(number, began, Instant::now());
        }
        if send(&mut stream, &reply).await.is_err() {
            return;
        }
    }
}

/// The next request's first line and body; `None` where there is none.
async fn request(
    stream: &mut TcpStream,
    read: &mut Vec<u8>,
) -> std::io::Result<Option<(String, Vec<u8>)>> {
    read.clear();
    let end = loop {
        if let Some(end) = find(read, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let length = head
        .lines()
        .filter_map(|it| it.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    while read.len() < end + length {
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
    let first = head.lines().next().unwrap_or_default().to_owned();
    Ok(Some((first, read[end..end + length].to_vec())))
}

async fn send(stream: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        reply.kind,
        reply.body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&reply.body).await
}

impl Desk {
    fn reply(&self, first: &str, body: &[u8]) -> Reply {
        let mut words = first.split(' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        match (method, path) {
            ("GET", _) if path.starts_with("/bytes/") => self.bytes(last),
            ("POST", "/v1/messages") => self.reading(body),
            ("GET", "/v1/customers/search") => {
                let none = json!({
                    "object": "search_result", "url": "/v1/customers/search", "has_more": false,
                    "next_page": null, "data": [],
                });
                Reply::json(payloads::sender_in(target), self.manners.stripe, &none)
            }
            ("POST", "/v1/customers") => {
                let sender = payloads::sender_in(&String::from_utf8_lossy(body));
                Reply::json(sender, self.manners.stripe, &self.customer())
            }
            ("POST", _) if last == "messages" => self.sent(body),
            _ => self.object(last),
        }
    }

    fn object(&self, id: &str) -> Reply {
        let object = json!({
            "messaging_product": "whatsapp", "url": format!("http://{}/bytes/{id}", self.host),
            "mime_type": "image/jpeg", "file_size": self.photo.len() + photo::mark(0).len(), "id": id,
        });
        Reply::json(id.parse().ok(), self.manners.object, &object)
    }

    fn bytes(&self, id: &str) -> Reply {
        let number = id.parse().ok();
        let mark = photo::mark(number.unwrap_or_default());
        let body = [&self.photo, mark.as_bytes()].concat();
        Reply { number, after: self.manners.bytes, kind: "image/jpeg", body }
    }

    fn reading(&self, body: &[u8]) -> Reply {
        let number = photo_in(body).and_then(photo::number_of);
        let place = number.unwrap_or_default();
        let said = json!({
            "is_receipt": true, "merchant": "The Copper Kettle", "currency": "GBP",
            "total": format!("{}.{:02}", 1 + place / 100, place % 100), "date": "2026-11-19",
            "category": "meals", "tax": null, "country": "GB",
        });
        let answer = json!({
            "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
            "content": [{ "type": "text", "text": said.to_string() }],
            "stop_reason": "end_turn", "stop_sequence": null,
            "usage": { "input_tokens": 1800, "output_tokens": 80 },
        });
        let pauses = self.manners.reading;
        Reply::json(number, pauses[place % pauses.len()], &answer)
    }

    fn customer(&self) -> Value {
        json!({
            "id": format!("cus_{:014}", self.given.fetch_add(1, Ordering::Relaxed)),
            "object": "customer", "address": null, "balance": 0, "created": 1_795_000_000,
            "currency": null, "default_source": null, "delinquent": false, "description": null,
            "discount": null, "email": null, "invoice_prefix": "BENCH",
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": null, "footer": null,
                "rendering_options": null,
            },
            "livemode": false, "metadata": {}, "name": null, "next_invoice_sequence": 1, "phone": null,
            "preferred_locales": [], "shipping": null, "tax_exempt": "none", "test_clock": null,
        })
    }

    /// A message is the answer to the photo that it quotes; a read mark names it too.
    fn sent(&self, body: &[u8]) -> Reply {
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        if sent["status"] == "read" {
            let number = sent["message_id"].as_str().and_then(payloads::number_in);
            return Reply::json(number, self.manners.send, &json!({ "success": true }));
        }
        if let Some(number) = sent["context"]["message_id"].as_str().and_then(payloads::number_in) {
            self.journeys.answered(number);
        }
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let taken = json!({
            "messaging_product": "whatsapp",
            "contacts": [{ "input": sent["to"], "wa_id": sent["to"] }],
            "messages": [{ "id": format!("wamid.HBgLNDIwNzc3MTIzNDU2FQIAERgT{given:020}") }],
        });
        Reply::json(None, self.manners.send, &taken)
    }
}

/// The picture in a request to the paid engine, in base64.
fn photo_in(body: &[u8]) -> Option<&[u8]> {
    const BEFORE: &[u8] = br#""data":""#;
    let from = body.get(find(body, BEFORE)? + BEFORE.len()..)?;
    from.get(..from.iter().position(|it| *it == b'"')?)
}
