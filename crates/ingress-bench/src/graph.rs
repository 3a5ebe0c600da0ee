//! A Graph that has a photo under every id: each of the same size, no two alike, answered after a
//! pause. It checks nothing and keeps nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::http::find;

/// How Graph is.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Bytes of a photo.
    pub photo_bytes: usize,
    /// Before the media object is answered.
    pub object_after: Duration,
    /// Before the bytes are.
    pub bytes_after: Duration,
}

/// A Graph that runs until this is dropped.
pub struct Graph {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Graph {
    /// Starts it on a free port of the loopback interface.
    pub async fn start(manners: Manners) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let photo: Arc<[u8]> = noise(manners.photo_bytes).into();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, address, manners, Arc::clone(&photo)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, _serving: serving })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(mut stream: TcpStream, host: SocketAddr, manners: Manners, photo: Arc<[u8]>) {
    let mut read = Vec::with_capacity(4096);
    stream.set_nodelay(true).ok();
    loop {
        read.clear();
        while find(&read, b"\r\n\r\n").is_none() {
            match stream.read_buf(&mut read).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
        let head = String::from_utf8_lossy(&read).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let id = path.rsplit('/').next().unwrap_or_default().split('?').next().unwrap_or_default();
        let answered = if path.starts_with("/bytes/") {
            tokio::time::sleep(manners.bytes_after).await;
            let mut bytes = photo.to_vec();
            // No two alike, so that each is stored.
            let stamp = format!("{id:>20}");
            bytes[4..24].copy_from_slice(&stamp.as_bytes()[..20]);
            send(&mut stream, "image/jpeg", &bytes).await
        } else {
            tokio::time::sleep(manners.object_after).await;
            let object = format!(
                r#"{{"messaging_product":"whatsapp","url":"http://{host}/bytes/{id}","mime_type":"image/jpeg","file_size":{},"id":"{id}"}}"#,
                manners.photo_bytes
            );
            send(&mut stream, "application/json", object.as_bytes()).await
        };
        if answered.is_err() {
            return;
        }
    }
}

async fn send(stream: &mut TcpStream, kind: &str, body: &[u8]) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}

/// Bytes that begin like a JPEG and do not shrink.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    let mut noise: Vec<u8> = next.flatten().take(bytes).collect();
    noise[..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    noise
}
