//! Who runs Postgres: we ourselves, or an unprivileged user where we are root. It changes no user
//! of the machine, and gives nobody more rights than they had.

use crate::Error;
use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

/// The user and group of the last resort, when /etc/passwd knows neither `postgres` nor `nobody`.
const NOBODY: u32 = 65534;

/// Who runs Postgres, `initdb` and the guard.
#[derive(Clone)]
pub(crate) struct Account {
    /// `None`: as whoever we are.
    other: Option<Other>,
}

#[derive(Clone)]
struct Other {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// Whoever we are, root included.
    pub(crate) fn ourselves() -> Account {
        Account { other: None }
    }

    /// Ourselves; as root the owner of `kept`, if it is there and not root's, else `postgres`,
    /// else `nobody`.
    pub(crate) fn choose(kept: Option<&Path>) -> Account {
        if !rustix::process::geteuid().is_root() {
            return Account::ourselves();
        }
        let owner = kept.and_then(|it| fs::metadata(it).ok()).filter(|it| it.uid() != 0);
        let other = owner.map_or_else(unprivileged, |it| Other {
            name: format!("number {}", it.uid()),
            uid: it.uid(),
            gid: it.gid(),
        });
        Account { other: Some(other) }
    }

    /// Makes `path` theirs.
    pub(crate) fn own(&self, path: &Path) -> io::Result<()> {
        match &self.other {
            Some(other) => chown(path, Some(other.uid), Some(other.gid)),
            None => Ok(()),
        }
    }

    /// `program` as this account, at home nowhere, silent, in a process group of its own: Ctrl-C
    /// is for us, and we stop Postgres when we are done with it.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        // macOS's postgres refuses to start without a locale; Postgres's words are wanted plain.
        command.current_dir("/").env("LC_ALL", "C").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(other) = &self.other {
            command.gid(other.gid).uid(other.uid);
        }
        command
    }

    /// Whether they may enter `folder`.
    pub(crate) fn reaches(&self, folder: &Path) -> bool {
        if self.other.is_none() {
            return true;
        }
        let mut enter = self.command("/bin/sh");
        enter.args(["-c", "cd -- \"$1\"", "sh"]).arg(folder);
        enter.status().is_ok_and(|it| it.success())
    }

    /// The refusal for a folder that they do not reach.
    pub(crate) fn must_reach(&self, folder: &Path) -> Result<(), Error> {
        if self.reaches(folder) {
            return Ok(());
        }
        let account = self.other.as_ref().map_or_else(String::new, |it| it.name.clone());
        Err(Error::Unreachable { folder: folder.to_owned(), account })
    }
}

fn unprivileged() -> Other {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = |name| find_user(&users, name);
    named("postgres").or_else(|| named("nobody")).unwrap_or_else(|| Other {
        name: format!("number {NOBODY}"),
        uid: NOBODY,
        gid: NOBODY,
    })
}

fn find_user(users: &str, name: &str) -> Option<Other> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Other { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::find_user;

    #[test]
    fn a_user_is_found_by_the_whole_name_only() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104::/:";
        let found = find_user(users, "postgres").map(|it| (it.uid, it.gid));
        assert_eq!(found, Some((101, 104)));
        assert!(find_user(users, "nobody").is_none());
    }
}
