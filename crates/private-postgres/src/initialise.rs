//! A fresh data folder: by `initdb`, or copied from one that `initdb` made earlier. It never
//! writes into a data folder that exists.

use crate::{Error, account::Account, find::Installation, folders::Folders, server::with_pid_file};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::Stdio,
};

/// What `initdb` is told, and a template must agree with. macOS may lack the first locale.
const LOCALES: [&str; 2] = ["C.UTF-8", "C"];

/// The superuser of every cluster.
pub(crate) const USER: &str = "paragon";

/// Makes the data folder of `folders`, not synced to disk unless `durable`.
///
/// With `templates`, a folder of ready-made clusters, `initdb` runs once for each version of
/// Postgres and the rest are copies. Two processes may do so at the same moment.
pub(crate) async fn initialise(
    account: &Account,
    installation: &Installation,
    folders: &mut Folders,
    templates: Option<&Path>,
    durable: bool,
) -> Result<(), Error> {
    let target = folders.target();
    let template = templates.map(|it| place(it, installation));
    match template {
        Some(template) if template.is_dir() => {
            copied(template, target, account.clone()).await?;
        }
        Some(template) => {
            initdb(account, installation, folders, durable).await?;
            publish(&target, &template).await?;
        }
        None => initdb(account, installation, folders, durable).await?,
    }
    folders.settle()
}

async fn initdb(
    account: &Account,
    installation: &Installation,
    folders: &Folders,
    durable: bool,
) -> Result<(), Error> {
    let mut said = String::new();
    for locale in LOCALES {
        let program = installation.bin.join("initdb");
        let mut command = with_pid_file(account, &folders.pid(), &program);
        command.arg("-D").arg(folders.target());
        command.args(["-A", "trust", "-U", USER, "-E", "UTF8", "--locale", locale]);
        command.args((!durable).then_some("--no-sync"));
        command.stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        let ended = command.kill_on_drop(true).output().await;
        let ended = ended.map_err(Error::system("cannot run", program))?;
        let _ = fs::remove_file(folders.pid());
        if ended.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&ended.stderr).into_owned();
        if !said.contains("locale") {
            break;
        }
    }
    Err(Error::Initdb(said.trim().to_owned()))
}

/// Puts a copy of `made` at `template`, whole or not at all; another process may be first.
pub(crate) async fn publish(made: &Path, template: &Path) -> Result<(), Error> {
    let cannot = |source| Error::system("cannot keep a template at", template)(source);
    let shelf = template.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(shelf).map_err(cannot)?;
    let unfinished = tempfile::tempdir_in(shelf).map_err(cannot)?;
    let copy = unfinished.path().join("data");
    copied(made.to_owned(), copy.clone(), Account::ourselves()).await?;
    match fs::rename(&copy, template) {
        Err(_) if template.is_dir() => Ok(()),
        done => done.map_err(cannot),
    }
}

/// Where the template for `installation` is, or is to be, in the folder `templates`.
pub(crate) fn place(templates: &Path, installation: &Installation) -> PathBuf {
    templates.join(label(&installation.version))
}

/// The version as a folder's name.
fn label(version: &str) -> String {
    let plain = |it: char| {
        if it.is_ascii_alphanumeric() || it == '.' { it } else { '-' }
    };
    version.chars().map(plain).collect()
}

async fn copied(from: PathBuf, to: PathBuf, account: Account) -> Result<(), Error> {
    let failed = Error::system("cannot copy a cluster to", to.clone());
    let work = tokio::task::spawn_blocking(move || copy(&from, &to, &account));
    work.await.map_err(io::Error::other).flatten().map_err(failed)
}

/// A cluster at rest is folders and plain files, nothing else.
fn copy(from: &Path, to: &Path, account: &Account) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to)?;
    account.own(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &target, account)?;
        } else {
            fs::copy(&source, &target)?;
            account.own(&target)?;
        }
    }
    Ok(())
}
