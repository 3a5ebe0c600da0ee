//! The one thread that writes: it takes all records that wait, writes them, syncs once, and only
//! then tells each that it is on the disk.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use super::{SpoolError, segment};

/// A segment is ended at this size, so that replaying can delete as it goes.
const SEGMENT_BYTES: usize = 64 * 1024 * 1024;

/// Records written under one sync at most.
const TOGETHER: usize = 256;

/// The way to the thread. A clone leads to the same one; it ends with the last.
#[derive(Clone, Debug)]
pub struct Writer(Sender<Order>);

enum Order {
    Write { bytes: Vec<u8>, done: oneshot::Sender<io::Result<()>> },
    End { done: oneshot::Sender<io::Result<()>> },
}

impl Writer {
    /// Starts the thread.
    pub fn start(folder: Arc<Path>) -> io::Result<Self> {
        let (sender, orders) = channel();
        std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || work(&folder, &orders))?;
        Ok(Self(sender))
    }

    /// Writes `bytes` and returns once they are on the disk.
    pub async fn write(&self, bytes: Vec<u8>) -> Result<(), SpoolError> {
        self.ask(|done| Order::Write { bytes, done }).await
    }

    /// Ends the segment that is being written, if any: others may read it from now on.
    pub async fn end_segment(&self) -> Result<(), SpoolError> {
        self.ask(|done| Order::End { done }).await
    }

    async fn ask(
        &self,
        order: impl FnOnce(oneshot::Sender<io::Result<()>>) -> Order,
    ) -> Result<(), SpoolError> {
        let (done, answer) = oneshot::channel();
        self.0.send(order(done)).map_err(|_| SpoolError::Closed)?;
        Ok(answer.await.map_err(|_| SpoolError::Closed)??)
    }
}

/// The segment that is being written.
struct Open {
    file: File,
    length: usize,
}

fn work(folder: &Path, orders: &Receiver<Order>) {
    let mut open: Option<Open> = None;
    while let Ok(first) = orders.recv() {
        let mut waiting = Vec::new();
        for order in std::iter::once(first).chain(orders.try_iter().take(TOGETHER)) {
            match order {
                Order::Write { bytes, done } => waiting.push((bytes, done)),
                Order::End { done } => {
                    write_all(folder, &mut open, std::mem::take(&mut waiting));
                    open = None;
                    // Whoever asked may have gone.
                    done.send(Ok(())).ok();
                }
            }
        }
        write_all(folder, &mut open, waiting);
    }
}

type Waiting = Vec<(Vec<u8>, oneshot::Sender<io::Result<()>>)>;

/// All or none of `waiting`: after a failed write or sync nobody knows what is on the disk, so the
/// segment is ended there. What is half in it has a checksum that does not hold.
fn write_all(folder: &Path, open: &mut Option<Open>, waiting: Waiting) {
    if waiting.is_empty() {
        return;
    }
    let written = try_write_all(folder, open, &waiting);
    if written.is_err() || open.as_ref().is_some_and(|it| it.length >= SEGMENT_BYTES) {
        *open = None;
    }
    for (_, done) in waiting {
        let told = match &written {
            Ok(()) => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        done.send(told).ok();
    }
}

fn try_write_all(folder: &Path, open: &mut Option<Open>, waiting: &Waiting) -> io::Result<()> {
    let segment = match open {
        Some(segment) => segment,
        None => open.insert(begin(folder)?),
    };
    for (bytes, _) in waiting {
        segment.file.write_all(bytes)?;
        segment.length += bytes.len();
    }
    segment.file.sync_data()
}

/// A new segment: locked before it has its name, and its name on the disk before anything is in it.
fn begin(folder: &Path) -> io::Result<Open> {
    let hidden = folder.join(format!("{}.new", segment::name()));
    let file = segment::create(&hidden)?;
    file.lock()?;
    std::fs::rename(&hidden, folder.join(segment::name()))?;
    File::open(folder)?.sync_all()?;
    Ok(Open { file, length: 0 })
}
