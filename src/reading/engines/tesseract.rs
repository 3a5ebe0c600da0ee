//! The program `tesseract` as a child process with a time limit: pixels in by a pipe, a table of
//! words out. It keeps no file and no text; what the program says is never logged.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use image::{GrayImage, imageops};
use tokio::{process::Command, task::spawn_blocking, time::timeout};

use super::{Bounds, Engine, EngineError, Line, Page, Word};
use crate::reading::{picture::Picture, program};

/// Larger photos tell no more and take long.
const LONG_EDGE: u32 = 3_000;
/// Enough to tell which way is up.
const SMALL_EDGE: u32 = 1_000;
/// Under this mean confidence a page may be lying on its side: upright ones of the worst kind
/// reach 50, turned ones 41.
const LEGIBLE: u64 = 45;
/// No turned page is read so well.
const SURELY_UPRIGHT: u64 = 60;
/// Each further language costs time and certainty.
const MAX_LANGUAGES: usize = 5;
const MISSING: &str = "the program `tesseract` is not on PATH: install tesseract-ocr with \
     tesseract-ocr-eng, tesseract-ocr-ces and tesseract-ocr-deu (Debian, Ubuntu), or tesseract \
     and tesseract-lang (brew)";
const NO_LANGUAGE: &str = "tesseract has no language: install tesseract-ocr-eng (Debian, Ubuntu) or tesseract-lang (brew)";

/// Tesseract, found on this machine, with its languages.
#[derive(Clone, Debug)]
pub struct Tesseract {
    program: PathBuf,
    languages: String,
    limit: Duration,
}

impl Tesseract {
    /// Asks the `tesseract` on PATH for its languages, once. A reading may take up to `limit`, all its
    /// attempts together.
    pub async fn find(limit: Duration) -> Result<Self, EngineError> {
        Self::at(Path::new("tesseract"), limit).await
    }

    /// The same for a program elsewhere.
    pub async fn at(program: &Path, limit: Duration) -> Result<Self, EngineError> {
        let mut command = program::command(program);
        command.arg("--list-langs");
        let said = said(command, &[], limit).await?;
        let languages = choose_languages(&said).ok_or(EngineError::NotInstalled(NO_LANGUAGE))?;
        Ok(Self { program: program.to_owned(), languages, limit })
    }

    /// The languages that it reads with, as `eng+ces+deu`.
    pub fn languages(&self) -> &str {
        &self.languages
    }

    async fn words(&self, grey: GrayImage) -> Result<Page, EngineError> {
        let mut command = program::command(&self.program);
        command.args(["stdin", "stdout", "-l", &self.languages, "--psm", "6"]);
        command.args(["-c", "tessedit_create_tsv=1"]);
        let table = said(command, &portable_graymap(grey), self.limit).await?;
        Ok(parse_table(&table))
    }
}

impl Engine for Tesseract {
    fn name(&self) -> &'static str {
        "tesseract"
    }

    /// Reads upright first. What is hardly legible may lie on its side or upside down: the other
    /// three ways are tried on a small copy, and the best is read in full.
    async fn page(&self, picture: &Picture) -> Result<Page, EngineError> {
        timeout(self.limit, self.upright(picture))
            .await
            .map_err(|_| EngineError::TimedOut(self.limit))?
    }
}

impl Tesseract {
    async fn upright(&self, picture: &Picture) -> Result<Page, EngineError> {
        let copy = picture.clone();
        let grey = off_thread(move || copy.grey(LONG_EDGE)).await??;
        let first = self.words(grey.clone()).await?;
        if first.legibility() >= LEGIBLE {
            return Ok(first);
        }
        let copy = picture.clone();
        let small = off_thread(move || copy.grey(SMALL_EDGE)).await??;
        let mut best = None;
        for turn in TURNS {
            let page = self.words(turn(&small)).await?;
            if page.legibility() >= LEGIBLE && best.is_none_or(|(most, _)| page.weight() > most) {
                best = Some((page.weight(), turn));
            }
            if page.legibility() >= SURELY_UPRIGHT {
                break;
            }
        }
        let Some((_, turn)) = best else { return Ok(first) };
        let turned = self.words(off_thread(move || turn(&grey)).await?).await?;
        Ok(if turned.weight() > first.weight() { turned } else { first })
    }
}

type Turn = fn(&GrayImage) -> GrayImage;
const TURNS: [Turn; 3] = [imageops::rotate90, imageops::rotate270, imageops::rotate180];

impl Page {
    /// Much text, well read, outweighs little.
    fn weight(&self) -> u64 {
        let letters = u64::try_from(self.letters()).unwrap_or(u64::MAX);
        self.legibility().pow(2).saturating_mul(letters.min(300))
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    spawn_blocking(work).await.map_err(|_| EngineError::Failed("the work was abandoned".into()))
}

/// What the program printed, if it ended well.
async fn said(command: Command, input: &[u8], limit: Duration) -> Result<String, EngineError> {
    let ended = program::run(command, input, limit, MISSING).await?;
    if ended.code != Some(0) {
        return Err(EngineError::Failed(format!("tesseract ended with code {:?}", ended.code)));
    }
    Ok(String::from_utf8_lossy(&ended.output).into_owned())
}

/// The preferred ones first, then what else the operator has installed; never the two that are
/// not languages.
fn choose_languages(said: &str) -> Option<String> {
    let is_code = |it: &&str| {
        it.len() >= 3 && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"_/".contains(&it))
    };
    let mut installed: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(is_code)
        .filter(|it| !["osd", "equ", "snum"].contains(it))
        .collect();
    installed.sort_by_key(|it| (!["eng"].contains(it), !["ces", "deu"].contains(it), *it));
    installed.dedup();
    installed.truncate(MAX_LANGUAGES);
    (!installed.is_empty()).then(|| installed.join("+"))
}

/// PGM: three numbers and the pixels, so that nothing is encoded and decoded on the way.
fn portable_graymap(grey: GrayImage) -> Vec<u8> {
    let mut out = format!("P5\n{} {}\n255\n", grey.width(), grey.height()).into_bytes();
    out.append(&mut grey.into_raw());
    out
}

/// Tesseract's TSV: level, page, block, paragraph, line, word, left, top, width, height,
/// confidence, text. Rows of level 5 are words; others are passed over.
fn parse_table(table: &str) -> Page {
    let mut lines: Vec<Line> = Vec::new();
    let mut current = None;
    for row in table.lines() {
        let cells: Vec<&str> = row.split('\t').collect();
        let [level, page, block, paragraph, line, _, left, top, width, height, sure, text] =
            cells[..]
        else {
            continue;
        };
        let text = text.trim();
        if level != "5" || text.is_empty() {
            continue;
        }
        let number = |it: &str| it.parse::<u32>().unwrap_or(0);
        let percent = sure.split('.').next().and_then(|it| it.parse().ok()).unwrap_or(0);
        let word = Word {
            text: text.to_owned(),
            sure: u8::min(percent, 100),
            bounds: Bounds {
                left: number(left),
                top: number(top),
                width: number(width),
                height: number(height),
            },
        };
        let place = Some((page, block, paragraph, line));
        match lines.last_mut() {
            Some(last) if current == place => last.words.push(word),
            _ => lines.push(Line { words: vec![word] }),
        }
        current = place;
    }
    Page { lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    /// A program of our own in place of tesseract.
    fn program(folder: &tempfile::TempDir, script: &str) -> PathBuf {
        let path = folder.path().join("program");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn languages_are_chosen_from_what_is_installed_in_a_stable_order() {
        let check = |said: &str, expected: Option<&str>| {
            assert_eq!(choose_languages(said).as_deref(), expected);
        };
        let head = "List of available languages in \"/usr/share/tessdata/\" (4):\n";
        check(&format!("{head}ces\ndeu\neng\nosd\n"), Some("eng+ces+deu"));
        check(&format!("{head}osd\npol\neng\ndeu\n"), Some("eng+deu+pol"));
        check(&format!("{head}vie\n"), Some("vie"));
        check(&format!("{head}osd\nequ\n"), None);
        check("", None);
    }

    #[test]
    fn a_table_becomes_rows_of_words() {
        let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n\
            5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t96.51\tTOTAL\n\
            5\t1\t1\t1\t1\t2\t50\t20\t30\t40\t88\t12.50\n\
            5\t1\t1\t1\t2\t1\t10\t70\t30\t40\t0.0\tCASH\n\
            nonsense\n";
        let page = parse_table(table);
        let words: Vec<Vec<&str>> = page
            .lines
            .iter()
            .map(|it| it.words.iter().map(|it| it.text.as_str()).collect())
            .collect();
        assert_eq!(words, [vec!["TOTAL", "12.50"], vec!["CASH"]]);
        assert_eq!(page.lines[0].words[0].sure, 96);
        assert_eq!(
            page.lines[0].words[1].bounds,
            Bounds { left: 50, top: 20, width: 30, height: 40 }
        );
    }

    #[tokio::test]
    async fn a_machine_without_tesseract_is_told_what_to_install() {
        let error = Tesseract::at(Path::new("/nowhere/tesseract"), Duration::from_secs(5)).await;
        let said = error.unwrap_err().to_string();
        assert!(said.contains("tesseract-ocr-ces"), "{said}");
    }

    #[tokio::test]
    async fn a_reading_that_hangs_ends_at_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(&folder, "exec sleep 600");
        let error = Tesseract::at(&path, Duration::from_millis(200)).await.unwrap_err();
        assert!(matches!(error, EngineError::TimedOut(_)), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_said_to_fail_and_not_what_it_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(&folder, "echo secret >&2; exit 3");
        let error = Tesseract::at(&path, Duration::from_secs(5)).await.unwrap_err();
        assert!(matches!(&error, EngineError::Failed(_)), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
}
