//! Who is to be reminded of what, as the command line or a CSV file says. All that is wrong is said
//! at once, by line.

use std::path::Path;

use anyhow::{Context, bail};

use crate::app::admin::somebody::somebody;
use crate::app::reminding::problem_of;
use crate::domain::sender::Sender;
use crate::domain::template::Parameter;

/// Most findings that are printed.
const SHOWN: usize = 50;

/// One reminder that is asked for.
#[derive(Debug)]
pub struct Wanted {
    /// Where it was asked for: `line 7`.
    pub place: String,
    /// Whom.
    pub to: Sender,
    /// What is put into the template.
    pub parameters: Vec<Parameter>,
    /// Its key, where the file gives one.
    pub key: Option<String>,
}

/// The one reminder of `--to` and `--param`.
pub fn from_arguments(to: &str, parameters: &[String]) -> anyhow::Result<Vec<Wanted>> {
    let to = somebody(to).map_err(|problem| anyhow::anyhow!("--to: {problem}"))?;
    let parameters: Vec<Parameter> = parameters.iter().map(|it| parameter(it)).collect();
    let named = parameters.iter().filter(|it| it.name.is_some()).count();
    if named != 0 && named != parameters.len() {
        bail!("--param: give all of them as name=value, or none");
    }
    if let Some(problem) = parameters.iter().find_map(|it| problem_of(&it.value)) {
        bail!("--param: {problem}");
    }
    Ok(vec![Wanted { place: "the reminder".to_owned(), to, parameters, key: None }])
}

/// A reminder for each line of `file`.
pub fn from_csv(file: &Path) -> anyhow::Result<Vec<Wanted>> {
    let shown = file.display();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(file)
        .with_context(|| format!("{shown}: cannot be read"))?;
    let columns = reader.headers().with_context(|| format!("{shown}: the header"))?.clone();
    let columns = Columns::of(&columns)?;
    let (mut wanted, mut problems) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                match columns.read(&record) {
                    Ok((to, parameters, key)) => {
                        let place = format!("line {line}");
                        wanted.push(Wanted { place, to, parameters, key });
                    }
                    Err(problem) => problems.push(format!("line {line}: {problem}")),
                }
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                problems.push(format!("line {line}: not UTF-8, or quotes that do not close"));
            }
        }
    }
    if !problems.is_empty() {
        bail!("{shown}: {}", all_of(&problems));
    }
    if wanted.is_empty() {
        bail!("{shown}: no line after the header");
    }
    Ok(wanted)
}

/// Which column is what.
struct Columns {
    count: usize,
    to: usize,
    key: Option<usize>,
    parameters: Vec<(usize, String)>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> anyhow::Result<Self> {
        let place = |name: &str| header.iter().position(|it| it.eq_ignore_ascii_case(name));
        let Some(to) = place("to") else {
            bail!("the first line must name the columns, one of them `to`");
        };
        let key = place("key");
        let of_parameters = |(at, _): &(usize, &str)| *at != to && Some(*at) != key;
        let parameters = header.iter().enumerate().filter(of_parameters);
        let parameters = parameters.map(|(at, name)| (at, name.to_owned())).collect();
        Ok(Self { count: header.len(), to, key, parameters })
    }

    fn read(
        &self,
        record: &csv::StringRecord,
    ) -> Result<(Sender, Vec<Parameter>, Option<String>), String> {
        if record.len() != self.count {
            return Err(format!("{} columns, the header has {}", record.len(), self.count));
        }
        let value = |at: usize| record.get(at).unwrap_or_default();
        let to = somebody(value(self.to)).map_err(str::to_owned)?;
        for (at, name) in &self.parameters {
            if let Some(problem) = problem_of(value(*at)) {
                return Err(format!("column {name}: {problem}"));
            }
        }
        let parameter = |(at, name): &(usize, String)| Parameter {
            name: Some(name.clone()),
            value: value(*at).to_owned(),
        };
        let key = self.key.map(value).filter(|it| !it.is_empty()).map(str::to_owned);
        Ok((to, self.parameters.iter().map(parameter).collect(), key))
    }
}

/// The problems, one a line, the first of them where there are many.
pub fn all_of(problems: &[String]) -> String {
    let mut text = format!("nothing was scheduled; {} to mend", problems.len());
    for problem in problems.iter().take(SHOWN) {
        text.extend(["\n  ", problem]);
    }
    if problems.len() > SHOWN {
        text.push_str("\n  …");
    }
    text
}

/// `name=value`, or a value.
fn parameter(text: &str) -> Parameter {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name.bytes().all(plain) => {
            Parameter { name: Some(name.to_owned()), value: value.to_owned() }
        }
        _ => Parameter { name: None, value: text.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::app::reminding::key;
    use crate::store::reminders::Batch;

    fn read(text: &str) -> Result<Vec<Wanted>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let name = file.path().display().to_string();
        from_csv(file.path()).map_err(|it| format!("{it:#}").replace(&name, "due.csv"))
    }

    #[test]
    fn a_line_is_a_reminder_and_other_columns_are_parameters_in_order() {
        let wanted =
            read("what,to,amount\nVAT,+420 777 123 456,12 Kč\n\"a, b\",CZ.1349,5\n").unwrap();
        let values: Vec<Vec<&str>> = wanted
            .iter()
            .map(|it| it.parameters.iter().map(|it| it.value.as_str()).collect())
            .collect();
        assert_eq!(values, [["VAT", "12 Kč"], ["a, b", "5"]]);
        assert_eq!(wanted[0].to.phone().unwrap().as_str(), "420777123456");
        assert!(wanted[1].to.user_id().is_some());
        assert_eq!(wanted[1].place, "line 3");
    }

    #[test]
    fn every_bad_line_is_named_with_its_number_and_why() {
        let problems =
            read("to,what\n12,VAT\n420777123456,\n420777123456\n420777123456,ok\nx,\"a\nb\"\n");
        let want = "want a phone with its country code, digits only, such as 420777123456";
        assert_eq!(
            problems.unwrap_err(),
            format!(
                "due.csv: nothing was scheduled; 4 to mend\n  line 2: {want}\n  \
                 line 3: column what: is empty\n  line 4: 1 columns, the header has 2\n  line 6: {want}"
            )
        );
        assert!(read("phone,what\n1,2\n").unwrap_err().contains("one of them `to`"));
        assert!(read("to,what\n").unwrap_err().contains("no line after the header"));
    }

    #[test]
    fn the_same_reminder_has_the_same_key() {
        let batch = Batch {
            number: crate::domain::ids::PhoneNumberId::parse("1").unwrap(),
            template: "payment_reminder".to_owned(),
            language: "en".to_owned(),
            run_at: DateTime::UNIX_EPOCH,
        };
        let wanted =
            |to: &str, what: &str| from_arguments(to, &[what.to_owned()]).unwrap().remove(0);
        let key_of = |it: &Wanted| key(None, &batch, None, &it.to, &it.parameters);
        let first = key_of(&wanted("420777123456", "VAT"));
        assert_eq!(first, key_of(&wanted("+420 777 123 456", "VAT")));
        assert_ne!(first, key_of(&wanted("420777123456", "tax")));
        assert_ne!(first, key_of(&wanted("420777123457", "VAT")));
        let named = Some("october".to_owned());
        let under = |it: &Wanted| key(named.as_ref(), &batch, None, &it.to, &it.parameters);
        assert_eq!(under(&wanted("420777123456", "VAT")), under(&wanted("420777123456", "tax")));
        assert_ne!(under(&wanted("420777123456", "VAT")), first);
        // Both ways of writing a Brazilian number.
        assert_eq!(key_of(&wanted("5511987654321", "VAT")), key_of(&wanted("551187654321", "VAT")));
    }

    #[test]
    fn parameters_are_all_named_or_none() {
        let given = |parameters: &[&str]| {
            let parameters: Vec<String> = parameters.iter().map(|it| (*it).to_owned()).collect();
            from_arguments("420777123456", &parameters)
        };
        assert!(given(&["amount=5", "due=today"]).is_ok());
        assert!(given(&["5", "today"]).is_ok());
        assert!(given(&["amount=5", "today"]).is_err());
        assert!(given(&["two\nlines"]).is_err());
    }
}
