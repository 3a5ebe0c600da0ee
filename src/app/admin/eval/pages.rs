//! Texts that a local engine has read, kept in a file: the same text can then be understood again
//! in milliseconds. It holds what photos say, so it belongs where the photos are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::domain::reading::Reading;
use crate::pipeline::worker::extract::Local;
use crate::reading::engines::{EngineError, Page};
use crate::reading::scan::Scan;
use crate::reading::{self, Hints};
use crate::store::readings::Read;

/// The texts by engine and file.
pub struct Pages {
    path: Option<PathBuf>,
    known: BTreeMap<String, Page>,
}

impl Pages {
    /// Those in `path`; none where there is no such file yet, or where none are to be kept.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let known = match path {
            Some(path) if path.exists() => {
                let text = std::fs::read_to_string(path)?;
                serde_json::from_str(&text).with_context(|| path.display().to_string())?
            }
            Some(_) | None => BTreeMap::new(),
        };
        Ok(Self { path: path.map(Path::to_owned), known })
    }

    /// Whether texts are kept at all.
    pub fn are_kept(&self) -> bool {
        self.path.is_some()
    }

    /// What is made of a photo by its text, read now only if it was not read before.
    pub async fn read(
        &mut self,
        local: &Local,
        name: &str,
        bytes: Vec<u8>,
        hints: &Hints,
    ) -> Result<Read, EngineError> {
        let key = format!("{} {name}", local.name());
        let page = match self.known.get(&key) {
            Some(page) => page.clone(),
            None => reading::page(&local.engine, &Scan::open(bytes).await?).await?,
        };
        let verdict = reading::understand(&page, hints);
        self.known.insert(key, page);
        Ok(Read::Seen(Reading { engine: local.name().to_owned(), verdict, usage: None }))
    }

    /// Writes them back.
    pub fn save(&self) -> anyhow::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_string(&self.known)?;
        std::fs::write(path, text).with_context(|| path.display().to_string())
    }
}
