use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::domain::ids::Wamid;

fn record(body: &str) -> Record {
    let photo = Photo {
        wamid: Wamid::parse("wamid.x").unwrap(),
        mime: "image/jpeg".to_owned(),
        bytes: vec![0, 255, 10, 13],
    };
    Record {
        received_at: "2026-11-23T10:00:00.123456Z".parse().unwrap(),
        trace_parent: Some("00-1-2-01".to_owned()),
        body: body.as_bytes().to_vec(),
        photos: vec![photo],
    }
}

fn opened(max_bytes: u64) -> (tempfile::TempDir, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path(), max_bytes).unwrap();
    (folder, spool)
}

/// Everything that can be read, and how it ended.
async fn drained(spool: &Spool) -> (Vec<Record>, Vec<Damage>) {
    let (mut records, mut damages) = (Vec::new(), Vec::new());
    while let Some(mut segment) = spool.take().await.unwrap() {
        loop {
            match segment.next_record() {
                Ok(Some(record)) => records.push(record),
                Ok(None) => break,
                Err(damage) => {
                    damages.push(damage);
                    break;
                }
            }
        }
        spool.done(segment).unwrap();
    }
    (records, damages)
}

fn only_segment(folder: &Path) -> PathBuf {
    let mut paths = segments(folder).unwrap();
    assert_eq!(paths.len(), 1);
    paths.remove(0)
}

#[tokio::test]
async fn what_was_appended_comes_back_as_it_was_and_once() {
    let (folder, spool) = opened(u64::MAX);
    for body in ["first", "", "third \u{0}"] {
        spool.append(&record(body)).await.unwrap();
    }
    let (records, damages) = drained(&spool).await;
    assert_eq!(records, [record("first"), record(""), record("third \u{0}")]);
    assert!(damages.is_empty());
    assert_eq!(spool.size(), 0);
    assert_eq!(segments(folder.path()).unwrap().len(), 0);
}

#[tokio::test]
async fn many_at_once_are_all_there() {
    let (_folder, spool) = opened(u64::MAX);
    let bodies: Vec<String> = (0..500).map(|it| it.to_string()).collect();
    let records: Vec<Record> = bodies.iter().map(|it| record(it)).collect();
    futures::future::try_join_all(records.iter().map(|it| spool.append(it))).await.unwrap();
    assert_eq!(drained(&spool).await.0.len(), 500);
}

#[tokio::test]
async fn after_a_restart_what_was_left_is_counted_and_read() {
    let (folder, spool) = opened(u64::MAX);
    spool.append(&record("left")).await.unwrap();
    let size = spool.size();
    spool.take().await.unwrap();
    drop(spool);
    let spool = Spool::open(folder.path(), u64::MAX).unwrap();
    assert_eq!(spool.size(), size);
    assert_eq!(drained(&spool).await.0, [record("left")]);
}

#[tokio::test]
async fn a_full_spool_takes_nothing_and_says_so() {
    let length = u64::try_from(record("x").encode().len()).unwrap();
    let (_folder, spool) = opened(length * 2);
    spool.append(&record("x")).await.unwrap();
    spool.append(&record("x")).await.unwrap();
    assert!(matches!(spool.append(&record("x")).await, Err(SpoolError::Full)));
    assert_eq!(spool.size(), length * 2);
    assert_eq!(drained(&spool).await.0.len(), 2);
    spool.append(&record("x")).await.unwrap();
}

#[tokio::test]
async fn a_record_that_was_never_finished_is_told_from_a_damaged_one() {
    for cut in [1, HEAD_BYTES, 200] {
        let (folder, spool) = opened(u64::MAX);
        spool.append(&record("whole")).await.unwrap();
        spool.take().await.unwrap();
        let torn = &record(&"x".repeat(500)).encode()[..cut];
        let mut file = OpenOptions::new().append(true).open(only_segment(folder.path())).unwrap();
        file.write_all(torn).unwrap();
        let (records, damages) = drained(&spool).await;
        assert_eq!(records, [record("whole")]);
        assert!(matches!(damages[..], [Damage::Unfinished]), "{damages:?}");
    }
    let (folder, spool) = opened(u64::MAX);
    spool.append(&record("turned")).await.unwrap();
    spool.take().await.unwrap();
    let path = only_segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (records, damages) = drained(&spool).await;
    assert!(records.is_empty());
    assert!(matches!(damages[..], [Damage::Damaged]), "{damages:?}");
}

const HEAD_BYTES: usize = record::HEAD;

#[tokio::test]
async fn two_processes_share_a_folder_and_never_a_segment() {
    let (folder, ours) = opened(u64::MAX);
    let theirs = Spool::open(folder.path(), u64::MAX).unwrap();
    ours.append(&record("ours")).await.unwrap();
    theirs.append(&record("theirs")).await.unwrap();
    // Theirs is being written: only ours can be had.
    let segment = ours.take().await.unwrap().unwrap();
    assert!(ours.take().await.unwrap().is_none());
    ours.done(segment).unwrap();
    assert_eq!(drained(&theirs).await.0, [record("theirs")]);
}

fn any_record() -> impl Strategy<Value = Record> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    let photo = ("[!-~]{1,40}", "[a-z/]{0,20}", bytes()).prop_map(|(wamid, mime, bytes)| Photo {
        wamid: Wamid::parse(&wamid).unwrap(),
        mime,
        bytes,
    });
    let photos = proptest::collection::vec(photo, 0..4);
    let trace = proptest::option::of("[ -~]{0,60}");
    (0_i64..4_000_000_000, trace, bytes(), photos).prop_map(|(at, trace_parent, body, photos)| {
        let received_at = chrono::DateTime::from_timestamp(at, 0).unwrap();
        Record { received_at, trace_parent, body, photos }
    })
}

proptest! {
    #[test]
    fn any_records_one_after_the_other_come_back_as_they_were(
        records in proptest::collection::vec(any_record(), 0..4),
    ) {
        let bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        let mut reader = bytes.as_slice();
        let mut back = Vec::new();
        while let Some(record) = read_record(&mut reader).unwrap() {
            back.push(record);
        }
        prop_assert_eq!(back, records);
    }

    #[test]
    fn a_record_that_is_cut_or_turned_is_never_taken_for_one(
        record in any_record(),
        place in any::<prop::sample::Index>(),
        turned in 1_u8..,
    ) {
        let whole = record.encode();
        let place = place.index(whole.len());
        let cut = read_record(&mut &whole[..place]);
        prop_assert!(matches!(cut, Ok(None) | Err(Damage::Unfinished)), "{:?}", cut);
        let mut other = whole;
        other[place] ^= turned;
        prop_assert!(read_record(&mut other.as_slice()).is_err());
    }

    #[test]
    fn whatever_stands_in_a_segment_is_read_without_harm(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        begins_well in any::<bool>(),
    ) {
        if begins_well && bytes.len() >= 4 {
            bytes[..4].copy_from_slice(&record::MAGIC);
        }
        let mut reader = bytes.as_slice();
        while let Ok(Some(_)) = read_record(&mut reader) {}
    }
}

#[tokio::test]
async fn a_spool_keeps_its_id_and_a_damaged_one_is_drawn_anew() {
    let (folder, spool) = opened(1000);
    let again = Spool::open(folder.path(), 1000).unwrap();
    assert_eq!(again.id(), spool.id());
    fs::write(folder.path().join("id"), "").unwrap();
    let drawn = Spool::open(folder.path(), 1000).unwrap().id();
    assert_ne!(drawn, spool.id());
    assert_eq!(Spool::open(folder.path(), 1000).unwrap().id(), drawn);
    let (_, other) = opened(1000);
    assert_ne!(other.id(), drawn);
}

#[tokio::test]
async fn what_lies_in_a_folder_is_seen_by_names_and_ages_alone() {
    let (folder, spool) = opened(10_000);
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let later = epoch + std::time::Duration::from_hours(24 * 365 * 1000);
    assert_eq!(lying_in(folder.path(), later).unwrap(), Some(Lying::default()));
    spool.append(&record("one")).await.unwrap();
    let path = spool.set_aside(&record("two")).unwrap();
    let lying = lying_in(folder.path(), later).unwrap().unwrap();
    assert_eq!((lying.waiting.len(), lying.set_aside), (1, vec![path]));
    assert!(lying_in(folder.path(), epoch).unwrap().unwrap().waiting.is_empty(), "just written");
    assert_eq!(lying_in(&folder.path().join("none"), later).unwrap(), None);
}
