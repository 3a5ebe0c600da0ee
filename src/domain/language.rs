//! The languages that we answer in.

/// A language of replies; its code is the one that Meta's templates use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// `en`
    #[default]
    En,
    /// `cs`
    Cs,
    /// `de`
    De,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::Cs, Self::De];

    /// Reads a code such as `en`.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// The one of these that is in this language.
    pub fn pick<T>(self, en: T, cs: T, de: T) -> T {
        match self {
            Self::En => en,
            Self::Cs => cs,
            Self::De => de,
        }
    }

    /// The code, as Meta writes it in a template's `language`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Cs => "cs",
            Self::De => "de",
        }
    }
}
