//! A write that is asked for under an `Idempotency-Key` is done once: asked for again, it is told what
//! there is, and nothing more is done. A write that was refused is forgotten, and may be tried again.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;

use super::Desk;
use super::guard::Caller;
use super::refusal::Refusal;
use crate::domain::ids::Sha256;
use crate::store::Store;
use crate::store::api_keys::{Known, Once};

/// The longest name.
const NAME_MAX: usize = 255;

/// The `Idempotency-Key` of a request, if it has one.
#[derive(Clone, Debug)]
pub struct Named(Option<Sha256>);

impl FromRequest for Named {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(name) = request.headers().get("idempotency-key") else {
            return ready(Ok(Self(None)));
        };
        let sound = (1..=NAME_MAX).contains(&name.len());
        ready(if sound {
            Ok(Self(Some(Sha256::of(name.as_bytes()))))
        } else {
            Err(Refusal::BadInput("Idempotency-Key: want 1 to 255 characters".to_owned()))
        })
    }
}

/// What an act is asked for, whole: the act, and the body that came with it.
pub fn content(act: &str, asked: &impl Serialize) -> Result<String, Refusal> {
    let asked = serde_json::to_string(asked).map_err(|_| Refusal::Broken)?;
    Ok(format!("{act} {asked}"))
}

impl Desk {
    /// Does `write` unless it was done under the same name before, to the end whether or not anybody
    /// still waits; the row that it wrote. `content` is everything that is asked for.
    pub(super) async fn once<F>(
        &self,
        caller: &Caller,
        named: &Named,
        content: &str,
        write: impl FnOnce(Store) -> F,
    ) -> Result<i64, Refusal>
    where
        F: Future<Output = Result<i64, Refusal>> + Send + 'static,
    {
        let once = named.0.map(|name| Once {
            key: caller.key.id,
            name,
            content: Sha256::of(content.as_bytes()),
        });
        let (store, now) = (self.store.clone(), self.clock.now());
        let writing = write(self.store.clone());
        let work = async move {
            let Some(once) = once else { return writing.await };
            match store.begin_once(&once, now).await? {
                Known::Done(row) => return Ok(row),
                Known::UnderWay => {
                    return Err(Refusal::Conflict("the same request is under way"));
                }
                Known::Other => {
                    return Err(Refusal::Invalid(
                        "Idempotency-Key: it was used for another request".to_owned(),
                    ));
                }
                Known::New => {}
            }
            let written = writing.await;
            match &written {
                Ok(row) => store.end_once(&once, *row).await?,
                Err(_) => store.forget_once(&once).await?,
            }
            written
        };
        self.home.run(work).await.ok_or(Refusal::Broken)?
    }
}
