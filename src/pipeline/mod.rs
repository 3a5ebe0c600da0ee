//! What happens, one step a file, in order. No framework, no SQL, no HTTP words.

pub mod ingress;
pub mod worker;
pub mod forget;
pub mod self_test;

use crate::clients::whatsapp::FetchedMedia;
use crate::store::media::Blob;

/// What the store keeps of fetched media. Both stages fetch: the ingress while Meta waits, the
/// worker what was left to it.
fn blob(fetched: FetchedMedia) -> Blob {
    Blob { sha256: fetched.sha256, mime: fetched.mime, bytes: fetched.bytes }
}
