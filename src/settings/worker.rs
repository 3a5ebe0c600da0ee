//! What the worker asks for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;

use super::{EventSettings, GraphSettings, SettingError, Source, StripeSettings};
use crate::clients::Secret;
use crate::domain::language::Language;
use crate::domain::limits::NewSenders;
use crate::domain::money::Country;
use crate::domain::retention::Retention;

/// The settings of `worker`.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// `DATABASE_URL`.
    pub database_url: Secret,
    /// `METRICS_ADDR`: `/metrics`, `/healthz` and `/readyz`.
    pub metrics_address: SocketAddr,
    /// How answers leave and pending media is fetched.
    pub graph: GraphSettings,
    /// How customers are found and made.
    pub stripe: StripeSettings,
    /// `CUSTOMER_TTL_HOURS`: how long the local copy of a customer is believed.
    pub customer_ttl: Duration,
    /// `STRIPE_SEARCHES_PER_SECOND`, all workers together.
    pub stripe_searches_per_second: u32,
    /// `WA_SENDS_PER_SECOND` from each number, all workers together; 0 is no limit.
    pub sends_per_second: u32,
    /// Who reads photos.
    pub reading: ReadingSettings,
    /// `WORKER_CONCURRENCY`: jobs at once in this process, local readings apart.
    pub concurrency: usize,
    /// `WORKER_OCR_CONCURRENCY`: local readings at once in this process.
    pub ocr_concurrency: usize,
    /// `REPLY_TEMPLATE`: the approved template of answers outside the window.
    pub reply_template: String,
    /// `REPLY_LANGUAGE`.
    pub language: Language,
    /// `SENDER_DAILY_LIMIT`: photos that one sender may send in 24 hours.
    pub sender_daily_limit: u32,
    /// `NEW_SENDERS`: whether senders are served whom nobody knows.
    pub new_senders: NewSenders,
    /// `ECHO_WAIT_S`: how long a send of unknown outcome waits for the status that echoes it.
    pub echo_wait: Duration,
    /// `RETAIN_PHOTOS_DAYS`, `RETAIN_RAW_DAYS`, `RETAIN_HISTORY_DAYS`.
    pub retention: Retention,
    /// `EVENT_URLS`, `EVENT_SECRET`: this worker delivers events, or leaves them to others.
    pub events: Option<EventSettings>,
}

/// Who reads photos, and what they should know.
#[derive(Clone, Debug)]
pub struct ReadingSettings {
    /// `OCR_ENGINES`, in the order in which they are asked.
    pub engines: Vec<EngineName>,
    /// `ANTHROPIC_API_KEY`; without it that engine is skipped.
    pub anthropic_key: Option<Secret>,
    /// `ANTHROPIC_API_URL`.
    pub anthropic_url: String,
    /// `ANTHROPIC_MODEL`.
    pub anthropic_model: String,
    /// `OCR_MODELS_DIR`: where the models of PP-OCRv6 are.
    pub models_dir: PathBuf,
    /// `CATEGORIES_FILE`: the operator's own words for categories.
    pub categories_file: Option<PathBuf>,
    /// `HOME_COUNTRY`: evidence for currency and order of dates.
    pub home_country: Option<Country>,
}

/// An engine as `OCR_ENGINES` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// Anthropic's Messages API.
    Anthropic,
    /// The best on this machine, without a key: PP-OCRv6 where its models are, else Tesseract.
    Local,
    /// PP-OCRv6 and nothing else.
    Ppocr,
    /// Tesseract and nothing else.
    Tesseract,
}

impl EngineName {
    /// Reads the word of `OCR_ENGINES`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "anthropic" => Some(Self::Anthropic),
            "local" => Some(Self::Local),
            "ppocr" => Some(Self::Ppocr),
            "tesseract" => Some(Self::Tesseract),
            _ => None,
        }
    }
}

impl WorkerSettings {
    /// Reads them, or names the first that is missing or unreadable.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let hours: u64 = source.number("CUSTOMER_TTL_HOURS", 24)?;
        Ok(Self {
            database_url: source.secret("DATABASE_URL")?,
            metrics_address: source.address("METRICS_ADDR", "127.0.0.1:9464")?,
            graph: GraphSettings::from(source)?,
            stripe: StripeSettings::from(source)?,
            customer_ttl: Duration::from_secs(hours.saturating_mul(60 * 60)),
            stripe_searches_per_second: at_least_one(
                "STRIPE_SEARCHES_PER_SECOND",
                source.number("STRIPE_SEARCHES_PER_SECOND", 15)?,
            )?,
            sends_per_second: source.number("WA_SENDS_PER_SECOND", 80)?,
            reading: ReadingSettings::from(source)?,
            concurrency: at_least_one(
                "WORKER_CONCURRENCY",
                source.number("WORKER_CONCURRENCY", 32)?,
            )?,
            ocr_concurrency: at_least_one(
                "WORKER_OCR_CONCURRENCY",
                source.number("WORKER_OCR_CONCURRENCY", 1)?,
            )?,
            reply_template: reply_template(source),
            language: language(source)?,
            sender_daily_limit: at_least_one(
                "SENDER_DAILY_LIMIT",
                source.number("SENDER_DAILY_LIMIT", 100)?,
            )?,
            new_senders: new_senders(source)?,
            echo_wait: Duration::from_secs(source.number("ECHO_WAIT_S", 60)?),
            retention: Retention {
                photos: age(source, "RETAIN_PHOTOS_DAYS", 0)?,
                raw: age(source, "RETAIN_RAW_DAYS", 90)?,
                history: age(source, "RETAIN_HISTORY_DAYS", 30)?,
            },
            events: EventSettings::from(source)?,
        })
    }
}

impl ReadingSettings {
    /// Reads them; a missing key is no error here: the engine is skipped.
    pub fn from(source: &Source) -> Result<Self, SettingError> {
        let model = source.text("ANTHROPIC_MODEL");
        Ok(Self {
            engines: engines(source)?,
            anthropic_key: source.optional_secret("ANTHROPIC_API_KEY")?,
            anthropic_url: source
                .text("ANTHROPIC_API_URL")
                .unwrap_or_else(|| "https://api.anthropic.com".to_owned()),
            anthropic_model: model.unwrap_or_else(|| "claude-haiku-5-5".to_owned()),
            models_dir: source
                .text("OCR_MODELS_DIR")
                .unwrap_or_else(|| "./models".to_owned())
                .into(),
            categories_file: source.text("CATEGORIES_FILE").map(PathBuf::from),
            home_country: home_country(source)?,
        })
    }
}

fn engines(source: &Source) -> Result<Vec<EngineName>, SettingError> {
    let list = source.text("OCR_ENGINES").unwrap_or_else(|| "anthropic,local".to_owned());
    let mut engines = Vec::new();
    for name in list.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let engine = EngineName::parse(name).ok_or_else(|| {
            let problem = format!("knows anthropic, local, ppocr and tesseract, found {name:?}");
            SettingError::unreadable("OCR_ENGINES", problem)
        })?;
        if !engines.contains(&engine) {
            engines.push(engine);
        }
    }
    Ok(engines)
}

/// `REPLY_TEMPLATE`.
pub(super) fn reply_template(source: &Source) -> String {
    source.text("REPLY_TEMPLATE").unwrap_or_else(|| "receipt_result".to_owned())
}

pub(super) fn language(source: &Source) -> Result<Language, SettingError> {
    let Some(code) = source.text("REPLY_LANGUAGE") else { return Ok(Language::default()) };
    Language::parse(&code).ok_or_else(|| {
        let known = Language::ALL.map(Language::code).join(", ");
        SettingError::unreadable("REPLY_LANGUAGE", format!("knows {known}, found {code:?}"))
    })
}

fn new_senders(source: &Source) -> Result<NewSenders, SettingError> {
    match source.text("NEW_SENDERS").as_deref() {
        None | Some("accept") => Ok(NewSenders::Accept),
        Some("refuse") => Ok(NewSenders::Refuse),
        Some(other) => {
            let problem = format!("knows accept and refuse, found {other:?}");
            Err(SettingError::unreadable("NEW_SENDERS", problem))
        }
    }
}

fn home_country(source: &Source) -> Result<Option<Country>, SettingError> {
    let Some(code) = source.text("HOME_COUNTRY") else { return Ok(None) };
    let country = Country::parse(&code).ok_or_else(|| {
        SettingError::unreadable(
            "HOME_COUNTRY",
            format!("want two letters such as CZ, found {code:?}"),
        )
    })?;
    Ok(Some(country))
}

/// How many days something is kept; 0 is for ever.
fn age(
    source: &Source,
    name: &'static str,
    default: u16,
) -> Result<Option<TimeDelta>, SettingError> {
    Retention::age(source.number(name, default)?).ok_or_else(|| {
        let least = Retention::LEAST_DAYS;
        let problem = format!("want 0 (for ever) or at least {least} days: Meta delivers for 7");
        SettingError::unreadable(name, problem)
    })
}

fn at_least_one<N: Default + PartialEq>(name: &'static str, number: N) -> Result<N, SettingError> {
    if number == N::default() {
        return Err(SettingError::unreadable(name, "must be at least 1"));
    }
    Ok(number)
}
