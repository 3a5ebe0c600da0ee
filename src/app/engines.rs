//! The engines that the settings ask for, made ready: for the worker, and for the commands that
//! read. What cannot work here is said once, in words that say what to do. It reads no photo.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::Failure;
use crate::clients::Http;
use crate::clients::anthropic::Anthropic;
use crate::pipeline::worker::extract::{Engine, Engines, Local, Remote};
use crate::reading::engines::{Engine as _, EngineError, LocalEngine};
use crate::reading::fields::category::Categories;
use crate::settings::{EngineName, ReadingSettings, SettingError};

/// How long one local reading may take.
const LOCAL_READING_WITHIN: Duration = Duration::from_mins(1);

/// The engines of `OCR_ENGINES` that can work here. One without its key, models or program is
/// skipped with a warning; none left is a setting to mend.
pub async fn all(settings: &ReadingSettings, http: &Http) -> Result<Engines, SettingError> {
    let mut engines: Vec<Engine> = Vec::new();
    for name in &settings.engines {
        let engine = match name {
            EngineName::Anthropic => anthropic(settings, http)?.map(Engine::Remote),
            EngineName::Local | EngineName::Ppocr | EngineName::Tesseract => {
                match local(settings, *name).await {
                    Ok(engine) => Some(Engine::Local(Local { engine })),
                    Err(error) => {
                        warn!("photos are not read locally: {error}");
                        None
                    }
                }
            }
        };
        let engine = engine.filter(|it| engines.iter().all(|other| other.name() != it.name()));
        engines.extend(engine);
    }
    if engines.is_empty() {
        let problem = "no engine can work here; set ANTHROPIC_API_KEY, run `make models`, or \
             install tesseract with its languages";
        return Err(SettingError::unreadable("OCR_ENGINES", problem));
    }
    Ok(Engines::new(engines, settings.home_country, categories(settings)?))
}

/// The words that speak for categories: ours, and those in `CATEGORIES_FILE`.
pub fn categories(settings: &ReadingSettings) -> Result<Arc<Categories>, SettingError> {
    let Some(path) = &settings.categories_file else { return Ok(Arc::default()) };
    let bad = |error: &dyn std::fmt::Display| SettingError::unreadable("CATEGORIES_FILE", error);
    let own = std::fs::read_to_string(path).map_err(|error| bad(&error))?;
    Ok(Arc::new(Categories::with(&own).map_err(|error| bad(&error))?))
}

/// The client, if there is a key; else `None` after a warning.
pub fn anthropic(settings: &ReadingSettings, http: &Http) -> Result<Option<Remote>, SettingError> {
    let Some(key) = &settings.anthropic_key else {
        warn!("ANTHROPIC_API_KEY is not set: photos are not read by anthropic");
        return Ok(None);
    };
    let (url, model) = (&settings.anthropic_url, &settings.anthropic_model);
    let client = Anthropic::new(http.clone(), url, key, model)
        .map_err(SettingError::of_client("ANTHROPIC_API_URL", "ANTHROPIC_API_KEY"))?;
    Ok(Some(Remote::new(client)))
}

/// The engine on this machine that `name` asks for. `local` is Tesseract, with a warning, where
/// the models are missing.
pub async fn local(
    settings: &ReadingSettings,
    name: EngineName,
) -> Result<LocalEngine, EngineError> {
    let ppocr = || LocalEngine::ppocr(&settings.models_dir, LOCAL_READING_WITHIN);
    let engine = match name {
        EngineName::Ppocr => ppocr()?,
        EngineName::Tesseract => LocalEngine::tesseract(LOCAL_READING_WITHIN).await?,
        EngineName::Local | EngineName::Anthropic => match ppocr() {
            Ok(engine) => engine,
            Err(error) => {
                let engine = LocalEngine::tesseract(LOCAL_READING_WITHIN).await?;
                warn!("{error}; photos are read by tesseract instead, and less well");
                engine
            }
        },
    };
    info!(engine = engine.name(), "this engine is here");
    Ok(engine)
}

/// The one engine that a command was told to use, for this machine or behind an API.
pub async fn one(
    settings: &ReadingSettings,
    name: EngineName,
    http: &Http,
) -> Result<Engine, Failure> {
    match name {
        EngineName::Anthropic => match anthropic(settings, http)? {
            Some(remote) => Ok(Engine::Remote(remote)),
            None => Err(SettingError::unreadable("ANTHROPIC_API_KEY", "not set").into()),
        },
        EngineName::Local | EngineName::Ppocr | EngineName::Tesseract => {
            let engine = local(settings, name).await.map_err(anyhow::Error::from)?;
            Ok(Engine::Local(Local { engine }))
        }
    }
}
