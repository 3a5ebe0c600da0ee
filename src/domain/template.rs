//! A message template: what Meta lets us send at any time, once it has approved the words. Here is
//! what one consists of and whether parameters fit it; nothing of who holds it, and of no reply.

pub mod lint;
mod placeholders;

use std::fmt;

pub use self::placeholders::{Format, Placeholders};

/// What Meta bills and delivers a template as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Speaks of something that the person asked for or has.
    Utility,
    /// Anything else: dearer, and held back from those who refused it.
    Marketing,
    /// One-time passwords.
    Authentication,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Utility, Self::Marketing, Self::Authentication];

    /// Reads Meta's word, in either case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(word))
    }

    /// Meta's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utility => "UTILITY",
            Self::Marketing => "MARKETING",
            Self::Authentication => "AUTHENTICATION",
        }
    }
}

/// A template in one language, as it is handed to Meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, shared by its languages.
    pub name: String,
    /// Meta's code: `en`, `cs`, `en_US`.
    pub language: String,
    /// What it is meant to be billed as.
    pub category: Category,
    /// What it says.
    pub words: Words,
    /// An example for each parameter of the body, in the order in which they first stand in it.
    /// Reviewers read these.
    pub examples: Vec<Example>,
}

/// The words of a template in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// A line above, without parameters.
    pub header: Option<String>,
    /// The text, with `{{1}}`, `{{2}}` … or `{{amount}}`, `{{due}}` …
    pub body: String,
    /// A line below, without parameters.
    pub footer: Option<String>,
}

/// An example of what may stand for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The parameter's name, where parameters have names.
    pub name: Option<String>,
    /// What might stand there.
    pub value: String,
}

/// A template in one language as Meta tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Meta's id: what an edit names.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its language's code.
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED` … in Meta's word.
    pub status: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What it is billed as now, in Meta's word.
    pub category: String,
    /// What it was billed as before Meta moved it.
    pub previous_category: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    pub quality: Option<String>,
    /// What it says.
    pub words: Words,
    /// Whether header or buttons want parameters too, which we do not give.
    pub others: OtherParameters,
}

/// Whether anything but the body wants parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherParameters {
    /// Only the body does, if anything.
    None,
    /// A header, a picture or a button does.
    Wanted,
}

/// Whether a template of this status may be sent. `FLAGGED` warns of what may come.
pub fn is_sendable(status: &str) -> bool {
    matches!(status, "APPROVED" | "FLAGGED")
}

/// A parameter that is to be filled in. Its value does not show itself: it may be personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name, where whoever gives it knows one.
    pub name: Option<String>,
    /// What is to stand there.
    pub value: String,
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Parameters that do not fit what was approved. Names and counts only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Too few or too many.
    #[error("the template takes {wants} parameters, {given} are given")]
    Count {
        /// As many as the body has.
        wants: usize,
        /// As many as were given.
        given: usize,
    },
    /// One that the template has is not given, or is given without its name.
    #[error("the template takes a parameter {0:?}, which is not given")]
    NotGiven(String),
    /// Something besides the body wants parameters.
    #[error("the template's header or buttons take parameters, which Paragon does not fill")]
    OthersWanted,
    /// The body mixes numbers and names, or leaves numbers out.
    #[error("the template's parameters are neither {{{{1}}}}, {{{{2}}}} … nor all names")]
    Unreadable,
}

/// `given` in the order in which the body takes them; with names where the template has names, and
/// without where it counts.
pub fn fill(words: &Words, given: &[Parameter]) -> Result<Vec<Parameter>, Misfit> {
    let wanted = Placeholders::of(&words.body);
    let format = wanted.format().ok_or(Misfit::Unreadable)?;
    if wanted.names().len() != given.len() {
        return Err(Misfit::Count { wants: wanted.names().len(), given: given.len() });
    }
    match format {
        Format::Positional => {
            Ok(given.iter().map(|it| Parameter { name: None, value: it.value.clone() }).collect())
        }
        Format::Named => wanted
            .names()
            .iter()
            .map(|name| {
                let named = given.iter().find(|it| it.name.as_ref() == Some(name));
                named.cloned().ok_or_else(|| Misfit::NotGiven(name.clone()))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(parameters: &[(&str, &str)]) -> Vec<Parameter> {
        let parameter = |(name, value): &(&str, &str)| Parameter {
            name: (!name.is_empty()).then(|| (*name).to_owned()),
            value: (*value).to_owned(),
        };
        parameters.iter().map(parameter).collect()
    }

    #[track_caller]
    fn check(body: &str, parameters: &[(&str, &str)], expected: Result<&[(&str, &str)], Misfit>) {
        let words = Words { body: body.to_owned(), ..Words::default() };
        assert_eq!(fill(&words, &given(parameters)), expected.map(given), "{body}");
    }

    #[test]
    fn parameters_go_where_the_template_has_them() {
        check("a {{1}} b {{2}} c", &[("x", "1"), ("y", "2")], Ok(&[("", "1"), ("", "2")]));
        check("a {{y}} b {{x}} c", &[("x", "1"), ("y", "2")], Ok(&[("y", "2"), ("x", "1")]));
        check("a {{1}} b {{1}} c", &[("", "1")], Ok(&[("", "1")]));
        check("nothing", &[], Ok(&[]));
    }

    #[test]
    fn parameters_that_do_not_fit_are_named() {
        check("a {{1}} b", &[], Err(Misfit::Count { wants: 1, given: 0 }));
        check("a {{x}} b", &[("", "1")], Err(Misfit::NotGiven("x".to_owned())));
        check("a {{x}} b {{2}} c", &[("x", "1"), ("", "2")], Err(Misfit::Unreadable));
        check("a {{2}} b {{3}} c", &[("", "1"), ("", "2")], Err(Misfit::Unreadable));
    }

    #[test]
    fn a_parameters_value_does_not_show_itself() {
        assert!(!format!("{:?}", given(&[("amount", "12 Kč")])).contains("12"));
    }
}
