//! What is made of photos, documents and hostile files, by the commands that read: `paragon read`
//! and `paragon eval`. No database, no account.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use image::{DynamicImage, ImageFormat};
use paragon::domain::money::Decimal;
use serde_json::Value;

use crate::outside::shared;
use crate::programs::{PARAGON, program, text};
use crate::rig::{CAFE, CAT, POTRAVINY, TANKSTELLE};

/// `paragon` in a folder of its own, with our models where they are.
fn paragon(folder: &Path, arguments: &[&str]) -> Output {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/models").to_owned();
    let settings = [("OCR_MODELS_DIR".to_owned(), models)];
    program(PARAGON, folder, &settings).args(arguments).output().unwrap()
}

/// One JSON object a file, whatever the exit code.
fn read(engine: &str, folder: &Path, files: &[&str]) -> Vec<Value> {
    let ended = paragon(folder, &[&["read", "--json", "--engine", engine], files].concat());
    let lines = text(&ended.stdout);
    let read: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(read.len(), files.len(), "{lines}{}", text(&ended.stderr));
    read
}

/// `merchant | total | currency | date`, or what it is instead.
fn shown(read: &Value) -> String {
    if read["verdict"] != "receipt" {
        return read["verdict"].as_str().unwrap().to_owned();
    }
    let value = |name: &str| read[name]["value"].as_str().unwrap_or("?").to_owned();
    ["merchant", "total", "currency", "date"].map(value).join(" | ")
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Whether the models of PP-OCRv6 are here; else says what is left out.
fn models(left_out: &str) -> bool {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/PP-OCRv6_rec_small.onnx");
    if !here.is_file() {
        eprintln!("left out, for `make models` has not fetched the models: {left_out}");
    }
    here.is_file()
}

#[test]
fn photos_are_read_by_the_models_whichever_way_they_lie() {
    if !models("photos read by PP-OCRv6") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cafe = image::load_from_memory(CAFE).unwrap();
    let turned = |name: &str, picture: DynamicImage| {
        picture.into_rgb8().save_with_format(folder.path().join(name), ImageFormat::Jpeg).unwrap();
    };
    write(folder.path(), "cafe.jpg", CAFE);
    write(folder.path(), "potraviny.jpg", POTRAVINY);
    write(folder.path(), "tankstelle.jpg", TANKSTELLE);
    write(folder.path(), "cat.jpg", CAT);
    turned("quarter.jpg", cafe.rotate90());
    turned("head.jpg", cafe.rotate180());
    let told = [
        ("cafe.jpg", "The Copper Kettle | 22.40 | GBP | 2026-11-19"),
        ("quarter.jpg", "The Copper Kettle | 22.40 | GBP | 2026-11-19"),
        ("head.jpg", "The Copper Kettle | 22.40 | GBP | 2026-11-19"),
        ("potraviny.jpg", "POTRAVINY U LÍPY | 335.46 | CZK | 2026-11-21"),
        ("tankstelle.jpg", "Tankhof Meisenbrunn | 80.43 | EUR | 2026-11-14"),
        ("cat.jpg", "not_a_receipt"),
    ];
    let files: Vec<&str> = told.iter().map(|it| it.0).collect();
    for (read, (file, expected)) in read("ppocr", folder.path(), &files).iter().zip(told) {
        assert_eq!(shown(read), expected, "{file}: {read}");
    }
}

#[test]
fn hostile_files_have_a_clear_outcome_within_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let locked = include_bytes!("../fixtures/locked.pdf");
    let told: [(&str, Vec<u8>, &str); 9] = [
        ("empty.jpg", Vec::new(), "empty"),
        ("cut.jpg", CAFE[..CAFE.len() / 2].to_vec(), ""),
        ("one.png", png(1, 1), "too few"),
        ("huge.png", png_header(20_000, 20_000), "too many"),
        ("bomb.png", png(7_000, 7_000), ""),
        ("pages.pdf", pdf(500), ""),
        ("locked.pdf", locked.to_vec(), "password"),
        ("cut.pdf", pdf(3)[..200].to_vec(), "damaged"),
        ("text.jpg", b"Dear customer, the total is 12.50".to_vec(), "neither"),
    ];
    let mut files = vec!["read", "--json", "--engine", "tesseract"];
    for (name, bytes, _) in &told {
        write(folder.path(), name, bytes);
        files.push(name);
    }
    // More than that would be refused by the system, and the program would abort.
    let bounded = r#"ulimit -v 2500000; exec "$0" "$@""#;
    let mut command = program("sh", folder.path(), &[]);
    let ended = command.args(["-c", bounded, PARAGON]).args(&files).output().unwrap();
    let lines = text(&ended.stdout);
    let read: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(read.len(), told.len(), "{lines}{}", text(&ended.stderr));
    for ((name, _, reason), read) in told.iter().zip(&read) {
        let said = read["reason"].as_str().unwrap_or_default();
        assert!(said.contains(reason), "{name}: {read}");
        assert!(!reason.is_empty() || shown(read) != "receipt" || *name == "pages.pdf", "{read}");
    }
    assert_eq!(shown(&read[5]), "The Little Mill | 12.50 | GBP | ?", "the first pages only");
    assert_eq!(ended.status.code(), Some(1), "some could not be read");
}

/// All black: many pixels in few bytes.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::new_luma8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The beginning of a PNG that claims to be so large.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    out.extend(&header);
    out.extend(crc32fast::hash(&header).to_be_bytes());
    out.extend(b"\0\0\0\0IDAT");
    out.extend(crc32fast::hash(b"IDAT").to_be_bytes());
    out
}

/// A document whose first three pages are the same receipt; its date is on further ones only.
fn pdf(pages: usize) -> Vec<u8> {
    let rows = [
        "The Little Mill",
        "14 High Street, Bath",
        "VAT No GB 123 4567 89",
        "2 x Soup of the day  9.00",
        "1 x Tea  3.50",
        "TOTAL  GBP 12.50",
        "CARD  12.50",
    ];
    let stream = |rows: &[&str]| {
        let mut content = String::from("BT /F1 12 Tf 40 700 Td 16 TL\n");
        for row in rows {
            writeln!(content, "({row}) Tj T*").unwrap();
        }
        content.push_str("ET");
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len())
    };
    let kids: Vec<String> = (0..pages).map(|it| format!("{} 0 R", it + 5)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Count {pages} /Kids [{}] >>", kids.join(" ")),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        stream(&rows),
    ];
    let page = |it: usize| {
        let content = if it < 3 { 4 } else { pages + 5 };
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 800] /Contents {content} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>"
        )
    };
    objects.extend((0..pages).map(page));
    objects.push(stream(&["02/11/2026 12:31"]));
    let mut out = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (number, object) in (1..).zip(&objects) {
        places.push(out.len());
        writeln!(out, "{number} 0 obj\n{object}\nendobj").unwrap();
    }
    let table = out.len();
    writeln!(out, "xref\n0 {}\n0000000000 65535 f ", objects.len() + 1).unwrap();
    for place in places {
        writeln!(out, "{place:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    writeln!(out, "trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF").unwrap();
    out.into_bytes()
}

#[test]
fn an_evaluation_counts_right_wrong_and_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    std::fs::create_dir(&images).unwrap();
    write(&images, "cafe.jpg", CAFE);
    write(&images, "cat.jpg", CAT);
    let labels = r#"[
        {"file": "cafe.jpg", "company": "The Copper Kettle", "date": "2026-11-19",
         "total": "22.40", "currency": "EUR", "kind": "made"},
        {"file": "cat.jpg", "company": "Nobody", "date": "2026-11-19", "total": "1.00",
         "currency": "EUR"}]"#;
    write(folder.path(), "labels.json", labels.as_bytes());
    let categories = r#"{"cafe.jpg": {"category": "groceries", "also": ["meals"]},
                         "cat.jpg": {"category": "other", "also": []}}"#;
    write(folder.path(), "categories.json", categories.as_bytes());
    let eval = ["eval", ".", "--engine", "tesseract", "--csv", "out.csv", "--json"];
    let ended = paragon(folder.path(), &eval);
    let said: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(said["photos"], 2);
    let shares = |field: &str| {
        let of = |outcome: &str| said["fields"][field][outcome].as_f64().unwrap();
        (of("right"), of("wrong"), of("unknown"))
    };
    assert_eq!(shares("total"), (0.5, 0.0, 0.5));
    assert_eq!(shares("date"), (0.5, 0.0, 0.5));
    assert_eq!(shares("merchant"), (0.5, 0.0, 0.5));
    assert_eq!(shares("currency"), (0.0, 0.5, 0.5));
    assert_eq!(shares("category"), (0.0, 0.5, 0.5));
    assert_eq!(shares("category_lenient"), (0.5, 0.0, 0.5));
    assert!(said["cpu_s"].as_f64().unwrap() > 0.0 && said["peak_mb"].as_f64().unwrap() > 1.0);
    let [half, most] = ["photo_p50_s", "photo_p95_s"].map(|it| said[it].as_f64().unwrap());
    assert!(0.0 < half && half <= most, "{said}");
    let again =
        paragon(folder.path(), &["eval", ".", "--engine", "tesseract", "--compare", "out.csv"]);
    let said = text(&again.stdout);
    assert!(said.contains("What has changed\n\n"), "the same photos, the same outcome: {said}");
}

/// Everything in the long proof, else the first few.
fn slice<T>(all: Vec<T>, few: usize) -> Vec<T> {
    let count = if crate::crashes::is_proof() { all.len() } else { few };
    all.into_iter().take(count).collect()
}

fn labelled(folder: &Path) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(folder.join("labels.json")).unwrap()).unwrap()
}

#[test]
fn what_is_no_receipt_is_no_receipt_and_an_invoice_is_read_by_its_text() {
    let Some(shared) = shared("photos that are no receipts") else { return };
    if !models("photos that are no receipts, read by PP-OCRv6") {
        return;
    }
    let folder = shared.join("receipts/negatives");
    let labels = slice(labelled(&folder), 4);
    let files: Vec<&str> = labels.iter().map(|it| it["file"].as_str().unwrap()).collect();
    for (read, label) in read("ppocr", &folder, &files).iter().zip(&labels) {
        if label["expect"] == "reject" {
            assert_ne!(read["verdict"], "receipt", "{read}");
            continue;
        }
        for field in ["total", "date", "currency"] {
            assert_eq!(read[field]["value"], label[field], "{read}");
        }
    }
}

#[test]
fn a_receipt_is_read_the_same_from_every_format() {
    let Some(shared) = shared("receipts as WebP, HEIC, PDF and PNG") else { return };
    if !models("receipts in every format, read by PP-OCRv6") {
        return;
    }
    let folder = shared.join("receipts/formats");
    let labels = slice(labelled(&folder), 3);
    let files: Vec<&str> = labels.iter().map(|it| it["file"].as_str().unwrap()).collect();
    for (read, label) in read("ppocr", &folder, &files).iter().zip(&labels) {
        assert_eq!(read["date"]["value"], label["date"], "{read}");
        assert_eq!(read["currency"]["value"], label["currency"], "{read}");
        let amount = |it: &Value| Decimal::parse_plain(it.as_str().unwrap());
        assert_eq!(amount(&read["total"]["value"]), amount(&label["total"]), "{read}");
    }
}
