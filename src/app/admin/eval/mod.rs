//! `paragon eval`: an engine held against labelled photos: how many of each field are right, wrong
//! and unknown, with which intervals, how far its confidences can be trusted, what it costs. It
//! changes nothing and asks no database.

mod labels;
mod outcome;
mod report;
mod pages;
mod cost;

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tokio::time::Instant;

use self::labels::Labelled;
use self::outcome::{Photo, judge};
use self::pages::Pages;
use super::progress;
use super::read::{engine_name, hints};
use super::status::print;
use crate::app::{Failure, engines};
use crate::clients::Http;
use crate::pipeline::worker::extract::Engine;
use crate::reading::Hints;
use crate::settings::{EngineName, ReadingSettings};
use crate::store::readings::Read;

/// Which photos, read by whom, told how.
#[derive(Args)]
#[command(
    after_help = "Example: paragon eval ../shared/receipts --csv now.csv --compare before.csv\n\n\
    DIR holds images/, labels.json and, if there are labels of categories, categories.json."
)]
pub struct Arguments {
    /// A folder with images/, labels.json and categories.json.
    dir: PathBuf,
    /// Who reads: local (the best on this machine), ppocr, tesseract or anthropic.
    #[arg(long, default_value = "local", value_parser = engine_name)]
    engine: EngineName,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Write what became of each field of each photo to this file.
    #[arg(long)]
    csv: Option<PathBuf>,
    /// An earlier --csv: shows which fields are right or wrong now that were not then.
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Leave out the photos named in this file, one a line.
    #[arg(long)]
    without: Option<PathBuf>,
    /// Only the photos named in this file, one a line.
    #[arg(long, conflicts_with = "without")]
    only: Option<PathBuf>,
    /// A file of texts that local engines have read: taken from there instead of read again, and
    /// added where they are missing. For work on what is made of the text.
    #[arg(long)]
    pages: Option<PathBuf>,
}

/// Reads every labelled photo and reports.
pub async fn run(settings: &ReadingSettings, arguments: &Arguments) -> Result<(), Failure> {
    let labelled = labels::of(&arguments.dir)?;
    let named = |path: &Option<PathBuf>| path.as_deref().map(names).transpose();
    let (without, only) = (named(&arguments.without)?, named(&arguments.only)?);
    let chosen: Vec<Labelled> = labelled
        .into_iter()
        .filter(|it| only.as_ref().is_none_or(|only| only.contains(&it.file)))
        .filter(|it| without.as_ref().is_none_or(|without| !without.contains(&it.file)))
        .collect();
    let before = arguments.compare.as_deref().map(report::read_csv).transpose()?;
    let http = Http::new().map_err(anyhow::Error::from)?;
    let engine = engines::one(settings, arguments.engine, &http).await?;
    let hints = hints(settings)?;
    let mut pages = Pages::open(arguments.pages.as_deref())?;
    let bar = progress::bar(chosen.len(), "photos");
    let (mut photos, mut took) = (Vec::new(), Vec::new());
    for labels in chosen {
        bar.set_message(labels.file.clone());
        let path = arguments.dir.join("images").join(&labels.file);
        let began = Instant::now();
        let read = look(&engine, &path, &labels.file, &hints, &mut pages).await;
        took.push(began.elapsed());
        photos.push(judge(labels, read));
        bar.inc(1);
    }
    bar.finish_and_clear();
    pages.save()?;
    if let Some(path) = &arguments.csv {
        report::write_csv(path, &photos)?;
    }
    let spent = cost::so_far(took);
    let text = if arguments.json {
        format!("{}\n", report::json(&photos, &spent))
    } else {
        report::text(engine.name(), &photos, &spent, before.as_ref())
    };
    print(&text).map_err(anyhow::Error::from)?;
    Ok(())
}

/// What the engine makes of one file; in words, why it makes nothing of it.
async fn look(
    engine: &Engine,
    path: &std::path::Path,
    name: &str,
    hints: &Hints,
    pages: &mut Pages,
) -> Result<Read, String> {
    let bytes = tokio::fs::read(path).await.map_err(|error| error.to_string())?;
    match engine {
        Engine::Local(local) if pages.are_kept() => {
            pages.read(local, name, bytes, hints).await.map_err(|error| error.to_string())
        }
        Engine::Local(_) | Engine::Remote(_) => {
            engine.read(bytes, hints).await.map_err(|error| error.to_string())
        }
    }
}

fn names(path: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.lines().map(|it| it.trim().to_owned()).collect())
}

/// A photo as far as it is judged, for the report.
type Photos = [Photo];
