//! This machine's disk: is the spool on a volume that outlives the process, with room in it?

use std::path::Path;

use super::finding::Finding;
use crate::settings::DoctorSettings;
use crate::spool::set_aside_in;

const ABOUT: &str = "spool";

/// Looks at `SPOOL_DIR`.
pub fn spool(settings: &DoctorSettings) -> Finding {
    let folder = settings.spool_dir.as_path();
    let most = match &settings.spool_max_bytes {
        Ok(most) => *most,
        Err(error) => return Finding::unset(ABOUT, error),
    };
    let shown = folder.display();
    if !folder.is_dir() {
        return Finding::ill(
            ABOUT,
            format!("{shown} is no folder on this machine"),
            "run doctor where the ingress runs, or set SPOOL_DIR to the ingress's volume",
        );
    }
    if let Err(error) = tempfile::tempfile_in(folder) {
        return Finding::ill(
            ABOUT,
            format!("{shown} cannot be written: {error}"),
            "give the folder to the user that the ingress runs as",
        );
    }
    match set_aside_in(folder).map(Iterator::count) {
        Ok(0) => {}
        Ok(files) => {
            return Finding::ill(
                ABOUT,
                format!("{files} files in {shown}/set-aside, which Postgres will never take"),
                "docs/custody.md says what they are: look at them, mend the cause, delete them",
            );
        }
        Err(error) => return Finding::ill(ABOUT, error, "give the folder to the ingress's user"),
    }
    volume(folder, most)
}

fn volume(folder: &Path, most: u64) -> Finding {
    let shown = folder.display();
    if let Some(what) = passing(folder) {
        return Finding::ill(
            ABOUT,
            format!("{shown} is {what}: what waits in it is gone with it"),
            "put SPOOL_DIR on a volume (docker-compose.yml and deploy/ do)",
        );
    }
    let free = match nix::sys::statvfs::statvfs(folder) {
        Ok(volume) => volume.blocks_available().saturating_mul(volume.fragment_size()),
        Err(error) => return Finding::ill(ABOUT, error, "is the disk well?"),
    };
    let gib = |bytes: u64| format!("{}.{} GiB", bytes >> 30, ((bytes >> 20) & 1023) * 10 / 1024);
    if free < most {
        return Finding::ill(
            ABOUT,
            format!("{} free at {shown}, less than SPOOL_MAX_BYTES ({})", gib(free), gib(most)),
            "make room, or lower SPOOL_MAX_BYTES: when it is full Meta gets 503 and delivers again",
        );
    }
    Finding::well(ABOUT, format!("{shown} can be written, {} free", gib(free)))
}

/// What a folder is on that does not outlive a container or a machine; `None`: nothing of the kind.
#[cfg(target_os = "linux")]
fn passing(folder: &Path) -> Option<&'static str> {
    use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC, statfs};
    let kind = statfs(folder).ok()?.filesystem_type();
    match kind {
        TMPFS_MAGIC => Some("in memory (tmpfs)"),
        OVERLAYFS_SUPER_MAGIC => Some("in the container's own layer (overlay)"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn passing(_: &Path) -> Option<&'static str> {
    None
}
