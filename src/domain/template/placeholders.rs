//! `{{1}}` and `{{name}}` in a template's words. Judges nothing but whether they are all of one
//! kind.

/// How the parameters of a template are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{{1}}`, `{{2}}` … without a gap.
    Positional,
    /// `{{amount}}`, `{{due}}` …
    Named,
}

impl Format {
    /// Meta's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positional => "POSITIONAL",
            Self::Named => "NAMED",
        }
    }
}

/// The parameters of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholders {
    names: Vec<String>,
    spans: Vec<(usize, usize)>,
}

impl Placeholders {
    /// Those of `text`: each name once, numbers in their order, names in the order in which they
    /// first stand there.
    pub fn of(text: &str) -> Self {
        let mut found = Self { names: Vec::new(), spans: Vec::new() };
        let mut at = 0;
        while let Some(open) = text[at..].find("{{").map(|it| at + it) {
            let Some(close) = text[open..].find("}}").map(|it| open + it) else { break };
            let name = &text[open + 2..close];
            at = close + 2;
            if is_name(name) {
                found.spans.push((open, at));
                if !found.names.iter().any(|it| it == name) {
                    found.names.push(name.to_owned());
                }
            } else {
                at = open + 1;
            }
        }
        if found.format() == Some(Format::Positional) {
            found.names.sort_by_key(|it| it.parse::<usize>().ok());
        }
        found
    }

    /// Their names or numbers, each once.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where they stand, from and up to which byte, repeats included.
    pub fn spans(&self) -> &[(usize, usize)] {
        &self.spans
    }

    /// `None` when numbers and names are mixed, or numbers are left out. Where there is none at
    /// all, Meta counts.
    pub fn format(&self) -> Option<Format> {
        let mut numbers: Vec<usize> = self.names.iter().filter_map(|it| it.parse().ok()).collect();
        numbers.sort_unstable();
        if numbers.iter().copied().eq(1..=self.names.len()) {
            return Some(Format::Positional);
        }
        numbers.is_empty().then_some(Format::Named)
    }
}

fn is_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    !name.is_empty() && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, names: &[&str], format: Option<Format>) {
        let found = Placeholders::of(text);
        assert_eq!(found.names(), names, "{text}");
        assert_eq!(found.format(), format, "{text}");
    }

    #[test]
    fn each_is_found_once_and_in_order() {
        check("a {{1}} b {{2}} c {{1}}", &["1", "2"], Some(Format::Positional));
        check("{{2}} before {{1}}", &["1", "2"], Some(Format::Positional));
        check("{{due}} and {{amount}}", &["due", "amount"], Some(Format::Named));
        check("none", &[], Some(Format::Positional));
    }

    #[test]
    fn what_is_of_no_kind_has_none() {
        check("{{1}} and {{amount}}", &["1", "amount"], None);
        check("{{1}} and {{3}}", &["1", "3"], None);
        check("{{2}}", &["2"], None);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        check("{1} {{ 1 }} {{Amount}} {{}} %1$s {{1", &[], Some(Format::Positional));
        check("{{{1}}}", &["1"], Some(Format::Positional));
    }
}
