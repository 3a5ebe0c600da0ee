//! Files that are there only once they are whole: the export itself, and the photos beside it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::store::exported::{Exported, Snapshot};

/// A file that appears under its name when it is finished. Dropped before, nothing is left of it.
pub struct Whole {
    file: NamedTempFile,
    path: PathBuf,
}

impl Whole {
    /// Begins it, beside where it is going to be.
    pub fn begin(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
        let file = file.with_context(|| format!("{}: cannot be written", path.display()))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Where to write.
    pub fn writer(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// It is whole, and on the disk.
    pub fn finish(self) -> anyhow::Result<()> {
        self.file.as_file().sync_all()?;
        let Self { file, path } = self;
        file.persist(&path).with_context(|| format!("{}: cannot be written", path.display()))?;
        Ok(())
    }
}

/// A folder of photos.
pub struct Photos(PathBuf);

impl Photos {
    /// Makes the folder where there is none.
    pub fn into_folder(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("{}: cannot be made", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }

    /// Writes the entry's photo, and says under which name. One that was written before is left as it
    /// is. `None` when the entry has none any more.
    pub async fn keep(
        &self,
        snapshot: &mut Snapshot,
        entry: &Exported,
    ) -> anyhow::Result<Option<String>> {
        let Some((sha256, mime)) = &entry.photo else { return Ok(None) };
        let name = format!("{}.{}", entry.id.0, extension(mime));
        let path = self.0.join(&name);
        if path.exists() {
            return Ok(Some(name));
        }
        let Some(bytes) = snapshot.photo(*sha256).await? else { return Ok(None) };
        let mut file = Whole::begin(&path)?;
        file.writer().write_all(&bytes)?;
        file.finish()?;
        Ok(Some(name))
    }
}

fn extension(mime: &str) -> &'static str {
    match mime {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/webp" => "webp",
        "image/heic" => "heic",
        "application/pdf" => "pdf",
        _ => "bin",
    }
}
