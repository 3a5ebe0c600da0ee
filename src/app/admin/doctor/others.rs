//! Stripe, and whoever reads photos.

use super::finding::Finding;
use crate::app::engines;
use crate::clients::Http;
use crate::clients::anthropic::Anthropic;
use crate::clients::stripe::{Stripe, StripeError};
use crate::reading::engines::{Engine as _, LocalEngine};
use crate::settings::{DoctorSettings, EngineName, ReadingSettings, SettingError};

/// Asks them.
pub async fn look(settings: &DoctorSettings, http: &Http) -> Vec<Finding> {
    let mut findings = vec![stripe(settings, http).await];
    match &settings.reading {
        Err(error) => findings.push(Finding::unset("reading", error)),
        Ok(reading) => {
            for name in &reading.engines {
                findings.push(engine(reading, *name, http).await);
            }
            findings.push(match engines::categories(reading) {
                Ok(_) => Finding::well("categories", "their words can be read"),
                Err(error) => Finding::unset("categories", &error),
            });
        }
    }
    findings
}

async fn stripe(settings: &DoctorSettings, http: &Http) -> Finding {
    const ABOUT: &str = "Stripe";
    let given = match &settings.stripe {
        Ok(given) => given,
        Err(error) => return Finding::unset(ABOUT, error),
    };
    let made = Stripe::new(http.clone(), &given.url, &given.key);
    let stripe = match made.map_err(SettingError::of_client("STRIPE_API_URL", "STRIPE_SECRET_KEY"))
    {
        Ok(stripe) => stripe,
        Err(error) => return Finding::unset(ABOUT, &error),
    };
    let mode = if given.key.reveal().contains("_test_") { "test" } else { "live" };
    match stripe.may_search().await {
        Ok(()) => Finding::well(ABOUT, format!("the {mode} key is accepted, and may search")),
        Err(StripeError::SearchUnavailable(_)) => Finding::well(
            ABOUT,
            format!("the {mode} key is accepted; there is no search here, so customers are listed"),
        ),
        Err(error @ StripeError::Unauthorized(_)) => Finding::ill(
            ABOUT,
            error,
            "a restricted key wants Customers: Write; put it into STRIPE_SECRET_KEY",
        ),
        Err(error) => {
            Finding::ill(ABOUT, error, "does this machine reach STRIPE_API_URL? Ask again")
        }
    }
}

async fn engine(reading: &ReadingSettings, name: EngineName, http: &Http) -> Finding {
    match name {
        EngineName::Anthropic => anthropic(reading, http).await,
        EngineName::Local | EngineName::Ppocr | EngineName::Tesseract => local(reading, name).await,
    }
}

async fn anthropic(reading: &ReadingSettings, http: &Http) -> Finding {
    const ABOUT: &str = "reading by anthropic";
    let Some(key) = &reading.anthropic_key else {
        return Finding::ill(
            ABOUT,
            "ANTHROPIC_API_KEY is not set: it is left out",
            "set it, or take anthropic out of OCR_ENGINES",
        );
    };
    let (url, model) = (&reading.anthropic_url, &reading.anthropic_model);
    let made = Anthropic::new(http.clone(), url, key, model);
    let client =
        match made.map_err(SettingError::of_client("ANTHROPIC_API_URL", "ANTHROPIC_API_KEY")) {
            Ok(client) => client,
            Err(error) => return Finding::unset(ABOUT, &error),
        };
    match client.is_there().await {
        Ok(()) => Finding::well(ABOUT, format!("the key is accepted, and {model} is there")),
        Err(error) => Finding::ill(
            ABOUT,
            error,
            "HTTP 401: another ANTHROPIC_API_KEY; 404: another ANTHROPIC_MODEL; else ask again",
        ),
    }
}

async fn local(reading: &ReadingSettings, name: EngineName) -> Finding {
    const ABOUT: &str = "reading on this machine";
    match engines::local(reading, name).await {
        Ok(engine) if engine.name() == "tesseract" && name == EngineName::Local => Finding::well(
            ABOUT,
            format!(
                "tesseract{}; PP-OCRv6 reads better: `make models` fetches it into OCR_MODELS_DIR",
                languages(&engine)
            ),
        ),
        Ok(engine) => Finding::well(ABOUT, format!("{}{}", engine.name(), languages(&engine))),
        Err(error) => Finding::ill(
            ABOUT,
            error,
            "`make models` (PP-OCRv6), or install tesseract with its languages (eng, ces, deu)",
        ),
    }
}

fn languages(engine: &LocalEngine) -> String {
    engine.languages().map(|it| format!(" ({it})")).unwrap_or_default()
}
