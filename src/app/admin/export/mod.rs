//! `paragon export`: entries for the bookkeeper, as CSV or as JSON lines, and their photos. Reads one
//! snapshot page by page, so that memory does not grow with what there is. Shows nobody's number.
//!
//! Pages by key in one repeatable-read transaction rather than `declare cursor`: the same snapshot and
//! the same constant memory, with queries that are checked when they are compiled.

mod files;
pub mod forms;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use self::files::{Photos, Whole};
use self::forms::{Csv, Form, Jsonl};
use super::migrate::open;
use super::moment::moment;
use super::progress;
use crate::app::Failure;
use crate::domain::ids::EntryId;
use crate::domain::reply::EntryState;
use crate::settings::AdminSettings;
use crate::store::Store;
use crate::store::exported::Wanted;

/// Entries in memory at once.
const PAGE: i64 = 1000;

/// What to export, and where to.
#[derive(Args)]
#[command(after_help = "Examples:
  paragon export --since 2026-11-01 --until 2026-12-01 --output november.csv
  paragon export --format jsonl --photos ./photos | jq -r .amount

Entries are chosen by when they were recorded, not by the receipt's date: what is exported month by month
is neither missed nor exported twice. Duplicates and incomplete ones are left out unless asked for.
Amounts are decimals with a point, as many as the currency has, and beside them whole minor units.")]
pub struct Arguments {
    /// csv (with a header, safe to open in a spreadsheet) or jsonl (an object in each line).
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Recorded from then on: 2026-11-01, or 2026-11-01T08:00:00Z.
    #[arg(long, value_parser = moment)]
    since: Option<DateTime<Utc>>,
    /// Recorded before.
    #[arg(long, value_parser = moment)]
    until: Option<DateTime<Utc>>,
    /// Those too that repeat another and were not confirmed.
    #[arg(long)]
    duplicates: bool,
    /// Those too whose total or currency is unknown.
    #[arg(long)]
    incomplete: bool,
    /// Write each entry's photo into this folder, as ENTRY.jpg (.png, .pdf …).
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Write to this file, which is there only once it is whole. Unset: standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

/// Exports.
pub async fn run(settings: &AdminSettings, arguments: &Arguments) -> Result<(), Failure> {
    let store = open(settings)?;
    let exported = export(&store, arguments).await;
    store.close().await;
    Ok(exported?)
}

async fn export(store: &Store, arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.output {
        None => {
            let out = BufWriter::new(io::stdout().lock());
            match write_all(store, arguments, out).await {
                // Whoever reads it has seen enough (`| head`).
                Err(error) if is_broken_pipe(&error) => Ok(()),
                written => written.map(|_| ()),
            }
        }
        Some(path) => {
            let mut file = Whole::begin(path)?;
            let written = write_all(store, arguments, BufWriter::new(file.writer())).await?;
            file.finish()?;
            eprintln!("{written} entries in {}", path.display());
            Ok(())
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|it| {
        let io = it.downcast_ref::<io::Error>();
        io.is_some_and(|it| it.kind() == ErrorKind::BrokenPipe)
    })
}

/// How many entries were written.
async fn write_all(store: &Store, arguments: &Arguments, out: impl Write) -> anyhow::Result<usize> {
    let photos = arguments.photos.as_deref().map(Photos::into_folder).transpose()?;
    let mut form: Box<dyn Form + '_> = match arguments.format {
        Format::Csv => Box::new(Csv::begin(out)?),
        Format::Jsonl => Box::new(Jsonl(out)),
    };
    let wanted = wanted(arguments);
    let unanswered =
        "the database does not answer; is DATABASE_URL right, and was `paragon migrate` run?";
    let mut snapshot = store.snapshot().await.context(unanswered)?;
    let progress = progress::count("entries");
    let (mut after, mut written) = (EntryId(0), 0);
    loop {
        let page = snapshot.entries(&wanted, after, PAGE).await.context(unanswered)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for entry in &page {
            let file = match &photos {
                Some(photos) => photos.keep(&mut snapshot, entry).await?,
                None => None,
            };
            form.write(entry, file.as_deref())?;
            written += 1;
            progress.inc(1);
        }
    }
    form.finish()?;
    progress.finish_and_clear();
    Ok(written)
}

fn wanted(arguments: &Arguments) -> Wanted {
    let more = [
        (EntryState::Duplicate, arguments.duplicates),
        (EntryState::Incomplete, arguments.incomplete),
    ];
    let more = more.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(state, _)| state);
    let states = std::iter::once(EntryState::Booked).chain(more).collect();
    Wanted { states, since: arguments.since, until: arguments.until }
}
