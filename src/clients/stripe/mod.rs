//! Stripe, as far as a sender's customer goes: search, list, read, create, look for what a lost
//! answer may have created, follow a changed number, and what its webhooks tell. Writes nothing but
//! the customer and its metadata, retries nothing, and decides nothing where several customers match.

mod error;
mod event;
mod query;
mod wire;

use chrono::{DateTime, Utc};
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest as _};
use stripe_core::Customer;
use stripe_core::customer::{
    CreateCustomer, ListCustomer, RetrieveCustomer, RetrieveCustomerReturned, SearchCustomer,
    UpdateCustomer,
};
use stripe_types::RangeQueryTs;

pub use error::{Refusal, StripeError};
pub use event::{Event, EventError, News};

use self::wire::Wire;
use super::{Bearer, Http, NotAClient, Secret};
use crate::domain::ids::CustomerId;
use crate::domain::sender::{ProfileName, Sender};

/// Stripe's largest page.
const PAGE: i64 = 100;

/// How many pages of new customers are looked through for ours: a lost answer is minutes old.
const NEW_PAGES: usize = 20;

/// How many pages are looked through where there is no search: 20,000 customers, within a minute.
const ALL_PAGES: usize = 200;

/// The Stripe API with one key. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Stripe {
    wire: Wire,
}

/// A customer whose metadata names the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCustomer {
    /// `cus_…`
    pub id: CustomerId,
    /// When it was created, to the second.
    pub created: DateTime<Utc>,
}

/// A customer to be. The same value makes the same request, byte for byte: an idempotency key
/// allows no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCustomer {
    /// Goes into the metadata: phone and user id, as far as known.
    pub sender: Sender,
    /// Their profile's name; without one the customer is called `WhatsApp <phone>`.
    pub name: Option<ProfileName>,
}

impl Stripe {
    /// A client for the API at `base` (without `/v1`, as in `https://api.stripe.com`).
    pub fn new(http: Http, base: &str, key: &Secret) -> Result<Self, NotAClient> {
        Wire::new(http, base, key).map(|wire| Self { wire })
    }

    /// The key, to be exchanged when there is another.
    pub fn bearer(&self) -> &Bearer {
        self.wire.bearer()
    }

    /// Searches for the customers of `sender`, by phone (with and without `+`) and by user id, in
    /// one query. Oldest first, at most 100. Search lags behind writes by up to a minute and more:
    /// an empty answer does not prove that there is none.
    pub async fn customers_with(&self, sender: &Sender) -> Result<Vec<FoundCustomer>, StripeError> {
        let request = SearchCustomer::new(query::of_sender(sender)).limit(PAGE);
        let found = request.customize().send(&self.wire).await.map_err(StripeError::of_search)?;
        Ok(oldest_first(found.data.iter().filter_map(|it| ours(it, sender)).collect()))
    }

    /// Whether the key may search: asks for nobody.
    pub async fn may_search(&self) -> Result<(), StripeError> {
        let request = SearchCustomer::new(query::of_nobody()).limit(1);
        request.customize().send(&self.wire).await.map_err(StripeError::of_search)?;
        Ok(())
    }

    /// Creates `customer`. Repeated with the same key it answers with the customer of the first
    /// time; but Stripe also repeats a stored failure ([`StripeError::ServerFailed`]), and refuses
    /// other parameters with [`StripeError::KeyReused`]: then look for what was created, and take
    /// a new key. `idempotency_key` has 1 to 255 characters.
    pub async fn create_customer(
        &self,
        customer: &NewCustomer,
        idempotency_key: &str,
    ) -> Result<CustomerId, StripeError> {
        let key = IdempotencyKey::new(idempotency_key)
            .map_err(|_| StripeError::Malformed("an idempotency key has 1 to 255 characters"))?;
        let request = CreateCustomer::new()
            .name(query::name_of(customer))
            .metadata(query::metadata_of(&customer.sender));
        let strategy = RequestStrategy::Idempotent(key);
        let created = request.customize().request_strategy(strategy).send(&self.wire).await?;
        Ok(CustomerId(created.id.to_string()))
    }

    /// The metadata of `customer` name `sender` from now on, and nobody else. Called twice it changes
    /// nothing more.
    pub async fn customer_belongs_to(
        &self,
        customer: &CustomerId,
        sender: &Sender,
    ) -> Result<(), StripeError> {
        let request =
            UpdateCustomer::new(customer.0.as_str()).metadata(query::only_metadata_of(sender));
        request.customize().send(&self.wire).await?;
        Ok(())
    }

    /// The metadata of `customer` name nobody of WhatsApp's any more: every key that begins with
    /// `whatsapp_` is taken away, and nothing else changed. Whether there were any: `false` also where
    /// there is no such customer.
    pub async fn forget_sender(&self, customer: &CustomerId) -> Result<bool, StripeError> {
        let read = RetrieveCustomer::new(customer.0.as_str()).customize().send(&self.wire).await;
        let metadata = match read {
            Ok(RetrieveCustomerReturned::Customer(customer)) => customer.metadata,
            Ok(RetrieveCustomerReturned::DeletedCustomer(_)) => None,
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error),
        };
        let gone = query::without_sender(&metadata.unwrap_or_default());
        if gone.is_empty() {
            return Ok(false);
        }
        let request = UpdateCustomer::new(customer.0.as_str()).metadata(gone);
        request.customize().send(&self.wire).await?;
        Ok(true)
    }

    /// The customers of `sender` among those created at `since` or later, oldest first. Unlike
    /// search a list shows what was written a moment ago. Over 2,000 new customers are an error: one
    /// that was not looked at may be theirs.
    pub async fn customers_created_since(
        &self,
        sender: &Sender,
        since: DateTime<Utc>,
    ) -> Result<Vec<FoundCustomer>, StripeError> {
        let created = RangeQueryTs::gte(since.timestamp());
        let new = || ListCustomer::new().created(created);
        match self.look_through(sender, new, NEW_PAGES).await {
            // Time goes by, and then there are fewer.
            Err(StripeError::TooMany) => {
                Err(StripeError::Unreachable("too many new customers to look through".into()))
            }
            done => done,
        }
    }

    /// The customers of `sender` among all there are, oldest first: for accounts that may not
    /// search. Over 20,000 customers are [`StripeError::TooMany`].
    pub async fn customers_listed(
        &self,
        sender: &Sender,
    ) -> Result<Vec<FoundCustomer>, StripeError> {
        self.look_through(sender, ListCustomer::new, ALL_PAGES).await
    }

    async fn look_through(
        &self,
        sender: &Sender,
        list: impl Fn() -> ListCustomer,
        pages: usize,
    ) -> Result<Vec<FoundCustomer>, StripeError> {
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..pages {
            let mut request = list().limit(PAGE);
            if let Some(id) = after {
                request = request.starting_after(id);
            }
            let page = request.customize().send(&self.wire).await?;
            found.extend(page.data.iter().filter_map(|it| ours(it, sender)));
            after = page.data.last().map(|it| it.id.to_string());
            if !page.has_more || after.is_none() {
                return Ok(oldest_first(found));
            }
        }
        // What was not seen to the end is not "none".
        Err(StripeError::TooMany)
    }

    /// The customer `id` as it is this moment, if it still is one of `sender`: `None` when it is
    /// deleted, was never here, or its metadata names somebody else. Lags behind nothing.
    pub async fn customer_of(
        &self,
        id: &CustomerId,
        sender: &Sender,
    ) -> Result<Option<FoundCustomer>, StripeError> {
        let read = RetrieveCustomer::new(id.0.as_str()).customize().send(&self.wire).await;
        match read {
            Ok(RetrieveCustomerReturned::Customer(customer)) => Ok(ours(&customer, sender)),
            Ok(RetrieveCustomerReturned::DeletedCustomer(_)) => Ok(None),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Only a customer whose metadata says so is the sender's, whatever the search believes.
fn ours(customer: &Customer, sender: &Sender) -> Option<FoundCustomer> {
    let metadata = customer.metadata.as_ref()?;
    if !query::names(metadata, sender) {
        return None;
    }
    let created = DateTime::from_timestamp(customer.created, 0)?;
    Some(FoundCustomer { id: CustomerId(customer.id.to_string()), created })
}

fn oldest_first(mut customers: Vec<FoundCustomer>) -> Vec<FoundCustomer> {
    customers.sort_by(|a, b| (a.created, &a.id.0).cmp(&(b.created, &b.id.0)));
    customers
}
