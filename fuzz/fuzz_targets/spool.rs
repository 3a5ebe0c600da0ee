//! A segment of any bytes: it is read without harm, and what is read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use paragon::spool::{Record, read_record};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = bytes;
    while let Ok(Some(record)) = read_record(&mut reader) {
        let written = record.encode();
        assert_eq!(read_record(&mut written.as_slice()).ok().flatten(), Some(record));
    }
    // And past the checksum, which the fuzzer will seldom make.
    if let Some((header, payload)) = bytes.split_at_checked(bytes.len() / 2) {
        let _ = Record::decode(header, payload);
    }
});
