//! Which faults calls meet: one in five, of every kind that passes. What only an operator can end
//! (permissions, payment, policy, an hour's rest for spam) is not among them: it would end the run.

use std::time::Duration;

use simulators::{AnthropicRoute, Fault, IntegratorRoute, MetaRoute, Mischief, StripeRoute};

use crate::others::Others;

/// Calls of a hundred that meet a fault.
const PERCENT: u8 = 20;

/// What can happen to any call.
fn common() -> Vec<Fault> {
    vec![
        Fault::Slow(Duration::from_millis(300)),
        Fault::Slow(Duration::from_secs(2)),
        Fault::Hang,
        Fault::Cut,
        Fault::TooManyRequests { retry_after: Some(1) },
        Fault::Status(500),
        Fault::Status(503),
        Fault::Twice,
        Fault::DoneButAnswerLost,
    ]
}

fn refusals(codes: &[(u16, &'static str)]) -> impl Iterator<Item = Fault> {
    codes.iter().map(|(status, code)| Fault::Refuse { status: *status, code })
}

/// From now on.
pub fn begin(seed: u64, Others { meta, stripe, anthropic, integrators }: &Others) {
    let of = |route: u64, faults: Vec<Fault>| Mischief {
        seed: seed.wrapping_mul(31).wrapping_add(route),
        percent: PERCENT,
        faults,
    };
    for (number, route) in (0..).zip([MetaRoute::MediaObject, MetaRoute::MediaBytes]) {
        meta.fault_at_random(route, of(number, common()));
    }
    meta.fault_at_random(MetaRoute::Messages, of(10, sends()));
    meta.fault_at_random(MetaRoute::StatusWebhook, of(11, statuses()));
    let reads =
        [StripeRoute::CustomersSearch, StripeRoute::CustomersList, StripeRoute::CustomerGet];
    for (number, route) in (20..).zip(reads) {
        stripe.fault_at_random(route, of(number, common()));
    }
    let writes = [StripeRoute::CustomersCreate, StripeRoute::CustomerUpdate];
    for (number, route) in (30..).zip(writes) {
        let faults = common().into_iter().chain(refusals(&[(429, "lock_timeout")]));
        stripe.fault_at_random(route, of(number, faults.collect()));
    }
    let overloaded = refusals(&[(529, "overloaded_error")]);
    let readings = common().into_iter().chain(overloaded).collect();
    anthropic.fault_at_random(AnthropicRoute::Messages, of(40, readings));
    for (number, integrator) in (50..).zip(integrators) {
        integrator.fault_at_random(IntegratorRoute::Events, of(number, common()));
    }
}

/// Besides: Meta does not know itself, is down, or wants less from the number or to the person.
fn sends() -> Vec<Fault> {
    let codes = [
        (500, "1"),
        (500, "2"),
        (400, "131000"),
        (500, "131016"),
        (400, "131057"),
        (429, "130429"),
        (400, "131056"),
    ];
    common().into_iter().chain(refusals(&codes)).collect()
}

/// Statuses come late, twice, or one in thirty never.
fn statuses() -> Vec<Fault> {
    let late = Fault::Slow(Duration::from_secs(1));
    let very_late = Fault::Slow(Duration::from_secs(8));
    vec![late, very_late, Fault::Twice, Fault::Twice, Fault::Twice, Fault::Hang]
}
