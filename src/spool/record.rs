//! One webhook on the disk: a fixed head with lengths and a checksum, a JSON header, the raw body,
//! the photos.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::Wamid;

/// How each record begins, with the version of its form.
pub const MAGIC: [u8; 4] = *b"PGN1";

/// Magic, length of the header, length of the rest, checksum of both.
pub const HEAD: usize = 4 + 4 + 8 + 4;

/// A verified webhook with what was fetched for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// When it reached us.
    pub received_at: DateTime<Utc>,
    /// The webhook's trace, for its jobs to go on with.
    pub trace_parent: Option<String>,
    /// The webhook, as it was signed.
    pub body: Vec<u8>,
    /// The photos that had come.
    pub photos: Vec<Photo>,
}

/// A photo of one of the webhook's messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo {
    /// Whose.
    pub wamid: Wamid,
    /// What its first bytes show.
    pub mime: String,
    /// The photo.
    pub bytes: Vec<u8>,
}

/// Shows its size only.
impl std::fmt::Debug for Photo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Photo({} bytes)", self.bytes.len())
    }
}

/// Shows sizes only.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({} bytes, {} photos)", self.body.len(), self.photos.len())
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    received_at: DateTime<Utc>,
    trace_parent: Option<String>,
    body_bytes: usize,
    photos: Vec<PhotoHeader>,
}

#[derive(Serialize, Deserialize)]
struct PhotoHeader {
    wamid: String,
    mime: String,
    bytes: usize,
}

impl Record {
    /// The record as it stands on the disk.
    ///
    /// # Panics
    /// Never: texts and numbers are JSON.
    pub fn encode(&self) -> Vec<u8> {
        let photo = |it: &Photo| PhotoHeader {
            wamid: it.wamid.as_str().to_owned(),
            mime: it.mime.clone(),
            bytes: it.bytes.len(),
        };
        let header = Header {
            received_at: self.received_at,
            trace_parent: self.trace_parent.clone(),
            body_bytes: self.body.len(),
            photos: self.photos.iter().map(photo).collect(),
        };
        let header = serde_json::to_vec(&header).expect("texts and numbers are JSON");
        let payload = self.body.len() + self.photos.iter().map(|it| it.bytes.len()).sum::<usize>();
        let mut bytes = Vec::with_capacity(HEAD + header.len() + payload);
        bytes.extend(MAGIC);
        bytes.extend(u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(u64::try_from(payload).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&header);
        bytes.extend(&self.body);
        for photo in &self.photos {
            bytes.extend(&photo.bytes);
        }
        let checksum = crc32fast::hash(&bytes[HEAD..]);
        bytes[HEAD - 4..HEAD].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what [`Record::encode`] wrote after its head; `None` when it is not that.
    pub fn decode(header: &[u8], payload: &[u8]) -> Option<Self> {
        let header: Header = serde_json::from_slice(header).ok()?;
        let (body, mut rest) = payload.split_at_checked(header.body_bytes)?;
        let mut photos = Vec::with_capacity(header.photos.len());
        for photo in header.photos {
            let (bytes, after) = rest.split_at_checked(photo.bytes)?;
            rest = after;
            let wamid = Wamid::parse(&photo.wamid)?;
            photos.push(Photo { wamid, mime: photo.mime, bytes: bytes.to_vec() });
        }
        Some(Self {
            received_at: header.received_at,
            trace_parent: header.trace_parent,
            body: body.to_vec(),
            photos,
        })
    }
}
