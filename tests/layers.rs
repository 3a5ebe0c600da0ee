//! Who may name whom, and which library has its home where. A rule that nothing holds is a wish.

use std::fs;
use std::path::{Path, PathBuf};

/// Each layer with the ones it may name besides itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clients", &["domain"]),
    ("reading", &["domain"]),
    ("store", &["domain"]),
    ("clock", &[]),
    ("spool", &["domain"]),
    ("queue", &["domain", "store"]),
    (
        "pipeline",
        &["domain", "clients", "reading", "store", "spool", "queue", "clock", "telemetry"],
    ),
    ("settings", &["domain", "clients", "telemetry"]),
    ("telemetry", &[]),
    (
        "app",
        &[
            "domain",
            "clients",
            "reading",
            "store",
            "spool",
            "queue",
            "clock",
            "pipeline",
            "settings",
            "telemetry",
        ],
    ),
];

/// Each library with the only layers, or parts of a layer, that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("actix_web", &["app"]),
    ("apalis", &["app"]),
    ("apalis_lease", &["app", "queue", "pipeline", "store"]),
    ("reqwest", &["clients"]),
    ("stripe", &["clients"]),
    ("stripe_core", &["clients"]),
    ("standardwebhooks", &["clients"]),
    ("sqlx", &["store", "queue"]),
    ("image", &["reading"]),
    ("image_hasher", &["reading"]),
    ("opentelemetry", &["telemetry"]),
    ("prometheus_client", &["telemetry"]),
    ("clap", &["app"]),
    ("toml", &["app"]),
    ("csv", &["app"]),
    ("indicatif", &["app"]),
    ("argon2", &["app/dashboard"]),
    ("maud", &["app/dashboard"]),
    ("rpassword", &["app/dashboard"]),
    ("form_urlencoded", &["app/dashboard"]),
    ("simulators", &["app"]),
    ("private_postgres", &["app"]),
    ("hmac", &["pipeline", "domain/access"]),
    ("utoipa", &["app/api"]),
    ("utoipa_swagger_ui", &["app/api"]),
    ("dotenvy", &["settings"]),
    ("fluent_bundle", &["domain/catalogue"]),
    ("intl_memoizer", &["domain/catalogue"]),
    ("unic_langid", &["domain/catalogue"]),
    ("icu_calendar", &["domain/catalogue"]),
    ("icu_datetime", &["domain/catalogue"]),
    ("icu_decimal", &["domain/catalogue"]),
    ("icu_locale_core", &["domain/catalogue"]),
    ("ppocr", &["reading"]),
    ("rapidfuzz", &["app"]),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the source folder can be read") {
        let path = entry.expect("the source folder can be read").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push(path);
        }
    }
}

/// The code of each layer's files, without comments.
fn files() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let layer_of = |path: &Path| {
        let inner = path.strip_prefix(&root).expect("below src");
        let first = inner.components().next().expect("not src itself").as_os_str();
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source can be read");
            let code = text.lines().filter(|it| !it.trim_start().starts_with("//"));
            (layer_of(&path), path.clone(), code.collect::<Vec<_>>().join("\n"))
        })
        .filter(|(layer, ..)| layer != "bin" && layer != "lib")
        .collect()
}

/// Whether `code` names the path `name::…`, as a whole word and not as part of a longer path.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|it| it.is_alphanumeric() || it == '_' || it == ':')
    })
}

#[test]
fn a_layer_names_only_the_layers_below_it() {
    for (layer, path, code) in files() {
        let (_, below) = LAYERS
            .iter()
            .find(|(name, _)| *name == layer)
            .unwrap_or_else(|| panic!("{layer} is no layer: add it to LAYERS"));
        for (other, _) in LAYERS.iter().filter(|(other, _)| *other != layer) {
            let named = code.contains(&format!("crate::{other}::"))
                || code.contains(&format!("crate::{{{other}"));
            assert!(!named || below.contains(other), "{} names {other}", path.display());
        }
    }
}

#[test]
fn each_library_has_one_home() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (_, path, code) in files() {
        let inner = path.strip_prefix(&root).expect("below src").with_extension("");
        for (library, homes) in HOMES {
            let at_home = homes.iter().any(|it| inner.starts_with(it));
            assert!(at_home || !names(&code, library), "{} names {library}", path.display());
        }
    }
}

#[test]
fn the_simulators_and_the_queue_know_nothing_of_us() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["simulators", "apalis-lease", "private-postgres"] {
        let manifest = fs::read_to_string(root.join("crates").join(name).join("Cargo.toml"))
            .expect("the manifest can be read");
        assert!(!manifest.contains("paragon"), "crates/{name} depends on us");
    }
}

#[test]
fn the_programs_are_a_few_lines() {
    for name in ["ingress", "worker", "paragon"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/bin/{name}.rs"));
        let lines = fs::read_to_string(path).expect("the program can be read").lines().count();
        assert!(lines < 60, "src/bin/{name}.rs has {lines} lines");
    }
}
