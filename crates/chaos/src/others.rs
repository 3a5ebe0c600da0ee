//! The services around Paragon: Meta, Stripe, Anthropic, and two endpoints of an integrator's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use simulators::{
    Anthropic, AnthropicOptions, Integrator, Meta, MetaOptions, Stripe, StripeOptions,
};

use crate::truth::Event;

/// How many endpoints are told what happens to entries.
pub const ENDPOINTS: usize = 2;

/// What the integrator believes.
const EVENT_SECRET: &str = "whsec_Y2hhb3MtY2hhb3MtY2hhb3MtY2hhb3Mt";

/// Numbers of the account: what makes one of them rest leaves the others alone.
pub const NUMBERS: [&str; 4] =
    ["100000000000001", "100000000000011", "100000000000021", "100000000000031"];

/// All of them, running.
pub struct Others {
    /// WhatsApp.
    pub meta: Arc<Meta>,
    /// Whose customers entries are booked on.
    pub stripe: Stripe,
    /// The paid engine.
    pub anthropic: Anthropic,
    /// Where events go.
    pub integrators: [Integrator; ENDPOINTS],
}

impl Others {
    /// Starts them; webhooks go to these addresses in turn.
    pub fn start(webhook_urls: &[String]) -> anyhow::Result<Self> {
        let others = NUMBERS[1..].iter().map(|it| (*it).to_owned()).collect();
        let meta = Meta::start(MetaOptions {
            other_phone_number_ids: others,
            status_delay: Duration::from_millis(50),
            // Meta goes on for 7 days.
            webhook_tries: usize::MAX,
            ..MetaOptions::default()
        })?;
        meta.webhook_urls(webhook_urls.to_vec());
        let search_lag = Duration::from_secs(15);
        Ok(Self {
            meta: Arc::new(meta),
            stripe: Stripe::start(StripeOptions { search_lag, ..StripeOptions::default() })?,
            anthropic: Anthropic::start(AnthropicOptions::default())?,
            integrators: [Integrator::start(EVENT_SECRET)?, Integrator::start(EVENT_SECRET)?],
        })
    }

    /// With which settings Paragon reaches them.
    pub fn settings(&self) -> Vec<(String, String)> {
        let meta = self.meta.options();
        let urls: Vec<_> = self.integrators.iter().map(Integrator::url).collect();
        [
            ("META_APP_SECRET", meta.app_secret.clone()),
            ("META_VERIFY_TOKEN", "chaos".to_owned()),
            ("WA_TOKEN", meta.access_token.clone()),
            ("GRAPH_API_URL", self.meta.base_url()),
            ("MEDIA_HOSTS", self.meta.media_host()),
            ("STRIPE_SECRET_KEY", self.stripe.options().secret_key.clone()),
            ("STRIPE_API_URL", self.stripe.base_url()),
            ("ANTHROPIC_API_KEY", self.anthropic.options().api_key.clone()),
            ("ANTHROPIC_API_URL", self.anthropic.base_url()),
            ("EVENT_URLS", urls.join(",")),
            ("EVENT_SECRET", EVENT_SECRET.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// No call meets a fault any more.
    pub fn calm(&self) {
        self.meta.clear_faults();
        self.stripe.clear_faults();
        self.anthropic.clear_faults();
        self.integrators.iter().for_each(Integrator::clear_faults);
    }

    /// What was asked is of no use here, and would fill the memory.
    pub fn forget_asked(&self) {
        self.meta.forget_asked();
        self.stripe.forget_asked();
        self.anthropic.forget_asked();
        self.integrators.iter().for_each(Integrator::forget_asked);
    }

    /// Calls that Paragon made, and status webhooks, by whose they are.
    pub fn calls(&self) -> BTreeMap<String, usize> {
        let integrators = self.integrators.iter().map(Integrator::calls).sum();
        [
            ("Meta", self.meta.calls()),
            ("Stripe", self.stripe.calls()),
            ("Anthropic", self.anthropic.calls()),
            ("integrator", integrators),
        ]
        .map(|(name, calls)| (name.to_owned(), calls))
        .into()
    }

    /// Faults that they met, by kind.
    pub fn faults(&self) -> BTreeMap<String, usize> {
        let vendors =
            [self.meta.faults_met(), self.stripe.faults_met(), self.anthropic.faults_met()];
        let integrators = self.integrators.iter().map(Integrator::faults_met);
        let mut faults = BTreeMap::new();
        for (kind, times) in vendors.into_iter().chain(integrators).flatten() {
            *faults.entry(kind.to_owned()).or_default() += times;
        }
        faults
    }

    /// What each endpoint took.
    pub fn told(&self) -> Vec<Vec<Event>> {
        let told = self.integrators.iter().map(|it| {
            let received = it.received().into_iter();
            received.map(|it| Event {
                kind: it.body["type"].as_str().unwrap_or_default().to_owned(),
                message: it.body["data"]["message"].as_i64().unwrap_or_default(),
                total: it.body["data"]["total_minor"].as_i64(),
                id: it.id,
            })
        });
        told.map(Iterator::collect).collect()
    }
}
