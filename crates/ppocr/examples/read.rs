//! What the models read in pictures, row by row, with the time it took:
//! `cargo run --release -p ppocr --example read -- MODELS FILE…`

use std::path::Path;
use std::time::{Duration, Instant};

use ppocr::{Ppocr, image};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder holds the models?")?;
    let models = Ppocr::load(Path::new(&folder))?;
    for file in arguments {
        let picture = image::open(&file)?.into_rgb8();
        let begun = Instant::now();
        let rows = models.read(&picture, Duration::from_mins(1))?;
        println!("## {file} {:.2} s", begun.elapsed().as_secs_f64());
        for row in rows {
            let words: Vec<String> =
                row.iter().map(|it| format!("{}{{{}}}", it.text, it.sure)).collect();
            println!("{}", words.join(" "));
        }
    }
    Ok(())
}
