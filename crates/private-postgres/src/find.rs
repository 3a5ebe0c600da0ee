//! Where this machine keeps Postgres's server programs. It looks and asks for versions; it
//! installs nothing and starts no server.

use crate::Error;
use std::{
    cmp::Reverse,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest version that Paragon supports.
const OLDEST: u32 = 14;

/// One folder with `postgres` and `initdb` of the same version.
pub(crate) struct Installation {
    pub(crate) bin: PathBuf,
    pub(crate) major: u32,
    /// As `postgres --version` puts it, distribution's suffix included.
    pub(crate) version: String,
}

/// The newest installation, or the newest of one major version: a data folder fits no other.
pub(crate) fn newest(major: Option<u32>) -> Result<Installation, Error> {
    let mut installed = Vec::new();
    for bin in candidates() {
        let Some(found) = look_at(&bin) else { continue };
        if !installed.iter().any(|it: &Installation| it.bin == found.bin) {
            installed.push(found);
        }
    }
    installed.sort_by_key(|it| Reverse(it.major));
    let seen = seen(&installed);
    let serves = |it: &Installation| major.map_or(it.major >= OLDEST, |wanted| it.major == wanted);
    installed.into_iter().find(serves).ok_or_else(|| Error::NotInstalled {
        wanted: major.map_or(format!("{OLDEST} or newer"), |wanted| format!("of version {wanted}")),
        seen,
    })
}

fn seen(installed: &[Installation]) -> String {
    if installed.is_empty() {
        return "there is none at all".to_owned();
    }
    let versions: Vec<String> = installed.iter().map(|it| it.major.to_string()).collect();
    format!("there is {}", versions.join(", "))
}

/// Every folder worth a look, PATH first: among equal versions the first one wins.
fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        env::var_os("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect());
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
        ("/Applications/Postgres.app/Contents/Versions", ""),
    ] {
        folders.extend(below(Path::new(parent), prefix).map(|it| it.join("bin")));
    }
    folders
}

fn below(parent: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(move |it| it.file_name().to_string_lossy().starts_with(prefix))
        .map(|it| it.path())
}

/// Follows links first: a distribution links `postgres` into PATH, but not what lies beside it.
fn look_at(folder: &Path) -> Option<Installation> {
    let postgres = folder.join("postgres").canonicalize().ok()?;
    let bin = postgres.parent()?.to_owned();
    if !bin.join("initdb").exists() {
        return None;
    }
    let answer = Command::new(&postgres).arg("--version").output().ok()?;
    let version = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    let major = major_of(&version)?;
    Some(Installation { bin, major, version })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15, `… 19beta1` is 19.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    number.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major_of;

    #[test]
    fn every_way_to_write_a_version_has_its_major_number() {
        for (version, major) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("postgres (PostgreSQL) 19beta1", Some(19)),
            ("postgres (PostgreSQL) 17.2", Some(17)),
            ("mysqld 8", None),
            ("postgres (PostgreSQL) devel", None),
        ] {
            assert_eq!(major_of(version), major, "{version}");
        }
    }
}
