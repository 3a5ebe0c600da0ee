//! A header and a body as a stranger sends them: no header does harm, and none holds that was not made
//! with the secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use paragon::pipeline::ingress::verify::{SigningSecrets, verify};

fuzz_target!(|input: (Option<&[u8]>, &str, &[u8])| {
    let (header, secrets, body) = input;
    let Some(secrets) = SigningSecrets::parse(secrets) else { return };
    // The fuzzer does not know how to make a digest.
    assert!(verify(&secrets, header, body).is_err());
});
