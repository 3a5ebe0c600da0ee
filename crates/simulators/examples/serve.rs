//! Starts all three simulators and prints where they are, until standard input ends. For trying
//! them by hand (`curl`, the Stripe command line client with `--api-base`); no test uses it.

use std::io::{self, Read as _};

use simulators::{Anthropic, AnthropicOptions, Meta, MetaOptions, Stripe, StripeOptions};

fn main() -> io::Result<()> {
    let meta = Meta::start(MetaOptions::default())?;
    let stripe = Stripe::start(StripeOptions::default())?;
    let anthropic = Anthropic::start(AnthropicOptions::default())?;
    println!("GRAPH_API_URL={} WA_TOKEN={}", meta.base_url(), meta.options().access_token);
    println!(
        "STRIPE_API_URL={} STRIPE_SECRET_KEY={}",
        stripe.base_url(),
        stripe.options().secret_key
    );
    println!(
        "ANTHROPIC_API_URL={} ANTHROPIC_API_KEY={}",
        anthropic.base_url(),
        anthropic.options().api_key
    );
    io::stdin().read_to_end(&mut Vec::new())?;
    for asked in stripe.asked() {
        println!("{asked:?}");
    }
    Ok(())
}
