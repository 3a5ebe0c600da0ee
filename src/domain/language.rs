//! The languages that we answer in, each with all that is special to it. Which words mean a
//! category or an amount when a sender writes them is known where they are read.

/// A language of replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English
    #[default]
    En,
    /// Czech
    Cs,
    /// German
    De,
}

/// What is special to a language.
struct Facts {
    code: &'static str,
    locale: &'static str,
    catalogue: &'static str,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::Cs, Self::De];

    const fn facts(self) -> Facts {
        match self {
            Self::En => Facts {
                code: "en",
                // Days before months, as all of Europe reads them.
                locale: "en-GB",
                catalogue: include_str!("../../locales/en/replies.ftl"),
            },
            Self::Cs => Facts {
                code: "cs",
                locale: "cs",
                catalogue: include_str!("../../locales/cs/replies.ftl"),
            },
            Self::De => Facts {
                code: "de",
                locale: "de",
                catalogue: include_str!("../../locales/de/replies.ftl"),
            },
        }
    }

    /// Reads a code such as `en`.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// The code, as Meta writes it in a template's `language`, and in `REPLY_LANGUAGE`.
    pub const fn code(self) -> &'static str {
        self.facts().code
    }

    /// Whose habits its dates and numbers follow: a locale of Unicode's CLDR.
    pub(super) const fn locale(self) -> &'static str {
        self.facts().locale
    }

    /// What is said in it, as a resource of Fluent.
    pub(super) const fn catalogue(self) -> &'static str {
        self.facts().catalogue
    }
}
